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

// want is a simple model of Send: it returns the bytes that must arrive, and
// whether Send must fail.
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

// FuzzSend compares Send with want for any offset, count and chunk, with a peer
// that reads in pieces of any size, and with one system call that fails with an
// error that must not fail the transfer.
func FuzzSend(f *testing.F) {
	f.Add(uint16(1000), int32(0), int32(-1), uint16(0), uint16(100), uint8(0), uint8(0), false)
	f.Add(uint16(60000), int32(10), int32(50000), uint16(1), uint16(1), uint8(3), uint8(1), false)
	f.Add(uint16(5000), int32(4990), int32(20), uint16(7), uint16(4096), uint8(1), uint8(2), true)
	f.Add(uint16(0), int32(-1), int32(1), uint16(100), uint16(10), uint8(2), uint8(3), false)
	recoverable := []error{nil, syscall.EINTR, syscall.EINVAL, syscall.ENOSYS}
	f.Fuzz(func(t *testing.T, size uint16, off, n int32, chunk, piece uint16, nth, fault uint8, copies bool) {
		if chunk > 0 && int(size)/int(chunk) > 500 {
			t.Skip("too many steps to be worth the time")
		}
		faults := &sendfile.Faults{Only: "sendfile", Err: recoverable[int(fault)%len(recoverable)], Nth: int64(nth)}
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
			t.Errorf("%d bytes arrived and %d were reported, want %d", len(arrived), res.Sent, len(wantArrived))
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

// FuzzSendFromReaderAt sends from a source that follows a script of one letter for
// each ReadAt, and breaks the rules of io.ReaderAt at some letters. All bytes that
// it returned before must arrive, and Send succeeds only if those are all bytes.
func FuzzSendFromReaderAt(f *testing.F) {
	f.Add(uint16(1000), uint16(0), int32(-1), uint16(0), []byte("fff"))
	f.Add(uint16(60000), uint16(10), int32(50000), uint16(1000), []byte("fhfeh"))
	f.Add(uint16(5000), uint16(4990), int32(20), uint16(7), []byte("hhE"))
	f.Add(uint16(5000), uint16(0), int32(-1), uint16(900), []byte("ff0"))
	f.Add(uint16(5000), uint16(0), int32(5000), uint16(900), []byte("f-"))
	f.Add(uint16(5000), uint16(0), int32(5000), uint16(900), []byte("f+"))
	f.Add(uint16(5000), uint16(0), int32(-1), uint16(900), []byte("hx"))
	f.Fuzz(func(t *testing.T, size, off uint16, n int32, chunk uint16, script []byte) {
		if chunk > 0 && int(size)/int(chunk) > 500 {
			t.Skip("too many steps to be worth the time")
		}
		s := &scripted{t: t, data: pattern(0, int64(size)), script: script, limit: -1}
		if n >= 0 {
			s.limit = int64(off) + int64(n)
		}
		server, client := nettest.Pair(t)
		got := make(chan []byte, 1)
		go readPieces(client, 4096, got)
		res, err := sendfile.Send(t.Context(), server, s, int64(off), int64(n), &sendfile.Options{Chunk: int(chunk)})
		_ = server.Close()
		arrived := <-got

		wanted, tooShort := want(s.data, int64(off), int64(n))
		if res.Sent != int64(len(arrived)) || !bytes.HasPrefix(wanted, arrived) || int64(len(arrived)) != s.given {
			t.Errorf("%d bytes arrived, %d were reported and %d given, want the same and a prefix of %d", len(arrived), res.Sent, s.given, len(wanted))
		}
		if complete := len(arrived) == len(wanted) && !tooShort && !s.broke; complete != (err == nil) {
			t.Errorf("%d of %d bytes, a source that broke the rules: %v, and error %v", len(arrived), len(wanted), s.broke, err)
		}
	})
}

// scripted is the source of FuzzSendFromReaderAt.
type scripted struct {
	t      *testing.T
	data   []byte
	script []byte // letters for the next calls
	limit  int64  // Send may read only bytes below this offset; -1: no limit
	given  int64  // bytes returned so far
	broke  bool   // a call has broken a rule or failed
}

func (s *scripted) ReadAt(p []byte, off int64) (int, error) {
	if s.broke {
		s.t.Error("ReadAt is called again after it broke a rule")
	}
	if len(p) == 0 || s.limit >= 0 && off+int64(len(p)) > s.limit {
		s.t.Errorf("ReadAt of %d bytes at %d, want none from %d on", len(p), off, s.limit)
	}
	letter := byte('f')
	if len(s.script) > 0 {
		letter, s.script = s.script[0], s.script[1:]
	}
	n := copy(p, s.data[min(off, int64(len(s.data))):])
	var err error
	if n < len(p) {
		err = io.EOF
	}
	switch letter {
	case 'h': // half of the bytes, without an error
		if n > 1 {
			n, err = n/2, nil
		}
	case 'e': // io.EOF together with the last bytes
		if off+int64(n) >= int64(len(s.data)) {
			err = io.EOF
		}
	case 'x': // an error together with the bytes
		s.broke, err = true, errors.New("failed")
	case '0':
		s.broke = true
		return 0, nil
	case '-':
		s.broke = true
		return -1, err
	case '+':
		s.broke = true
		return len(p) + 1, err
	}
	s.given += int64(n)
	return n, err
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
