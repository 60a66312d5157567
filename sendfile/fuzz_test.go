package sendfile_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// want is what Send must do, said slowly: the bytes that arrive, and whether
// it fails.
func want(file []byte, off, n int64) (arrived []byte, failed bool) {
	if off < 0 {
		return nil, true
	}
	rest := file[min(off, int64(len(file))):]
	if n < 0 {
		return rest, false
	}
	return rest[:min(n, int64(len(rest)))], n > int64(len(rest))
}

// FuzzSend compares Send with want for any offset, count and chunk, to a peer
// that reads in pieces of any size, with a system call that fails once with
// what a transfer must get over.
func FuzzSend(f *testing.F) {
	f.Add(uint16(1000), int32(0), int32(-1), uint16(0), uint16(100), uint8(0), uint8(0), false)
	f.Add(uint16(60000), int32(10), int32(50000), uint16(1), uint16(1), uint8(3), uint8(1), false)
	f.Add(uint16(5000), int32(4990), int32(20), uint16(7), uint16(4096), uint8(1), uint8(2), true)
	f.Add(uint16(0), int32(-1), int32(1), uint16(100), uint16(10), uint8(2), uint8(3), false)
	surmountable := []error{nil, syscall.EINTR, syscall.EINVAL, syscall.ENOSYS}
	f.Fuzz(func(t *testing.T, size uint16, off, n int32, chunk, piece uint16, nth, fault uint8, copies bool) {
		if chunk > 0 && int(size)/int(chunk) > 500 {
			t.Skip("too many steps to be worth the time")
		}
		faults := &sendfile.Faults{Only: "sendfile", Err: surmountable[int(fault)%len(surmountable)], Nth: int64(nth)}
		if faults.Err == nil {
			faults.Nth = 0
		}
		opt := &sendfile.Options{Chunk: int(chunk)}
		if copies {
			opt.Method = sendfile.Copy
		}
		src := nettest.PatternFile(t, int64(size))
		defer src.Close()
		server, client := nettest.Pair(t)
		got := make(chan []byte, 1)
		go readPieces(client, int(piece)+1, got)

		res, sendErr := sendfile.SendWithFaults(t.Context(), server, src, int64(off), int64(n), opt, faults)
		_ = server.Close()
		arrived := <-got

		wantArrived, wantFailure := want(pattern(0, int64(size)), int64(off), int64(n))
		if !bytes.Equal(arrived, wantArrived) || res.Sent != int64(len(wantArrived)) {
			t.Errorf("%d bytes arrived and %d were told, want %d", len(arrived), res.Sent, len(wantArrived))
		}
		if (sendErr != nil) != wantFailure {
			t.Errorf("error %v, want one: %v", sendErr, wantFailure)
		}
		if sendErr != nil && off >= 0 && !errors.Is(sendErr, io.ErrUnexpectedEOF) {
			t.Errorf("error %v, want an unexpected EOF", sendErr)
		}
		if res.ZeroCopied > res.Sent || (res.Method == sendfile.Copy) != (res.ZeroCopied < res.Sent || copies || res.Sent == 0 && fastMethod == sendfile.Copy || off < 0) {
			t.Errorf("%+v contradicts itself", res)
		}
	})
}

// readPieces reads c to its end in pieces of up to size bytes.
func readPieces(c net.Conn, size int, got chan<- []byte) {
	var all []byte
	p := make([]byte, size)
	for {
		n, err := c.Read(p[:1+rand.N(size)])
		all = append(all, p[:n]...)
		if err != nil {
			got <- all
			return
		}
	}
}
