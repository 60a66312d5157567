package sendfile_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// Python's socket.sendfile() is a well-known interface. The subtests go through
// its documentation clause by clause; their names say where Send differs.
func TestSendAgainstPythonsSocketSendfile(t *testing.T) {
	const size = 200_000
	// send calls Send with a peer that reads everything, and returns the results and
	// the bytes that arrived.
	send := func(t *testing.T, f *os.File, off, n int64, opt *sendfile.Options, faults *sendfile.Faults) (sendfile.Result, []byte, error) {
		t.Helper()
		server, client := nettest.Pair(t)
		got := make(chan []byte, 1)
		go func() {
			p, _ := io.ReadAll(client)
			got <- p
		}()
		if faults == nil {
			faults = new(sendfile.Faults)
		}
		res, err := sendfile.SendWithFaults(t.Context(), server, f, off, n, opt, faults)
		_ = server.Close()
		return res, <-got, err
	}
	wantAll := func(t *testing.T, res sendfile.Result, got []byte, err error, off, n int64) {
		t.Helper()
		if err != nil || res.Sent != n || !bytes.Equal(got, pattern(off, n)) {
			t.Errorf("%+v, %v, and the peer got %d bytes, want the %d at %d", res, err, len(got), n, off)
		}
	}

	t.Run("sends until the end of the file", func(t *testing.T) {
		res, got, err := send(t, nettest.PatternFile(t, size), 0, -1, nil, nil)
		wantAll(t, res, got, err, 0, size)
	})
	t.Run("the offset is absolute, wherever the file's position is", func(t *testing.T) {
		f := nettest.PatternFile(t, size)
		if _, err := f.Seek(500, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		res, got, err := send(t, f, 1000, -1, nil, nil)
		wantAll(t, res, got, err, 1000, size-1000)
	})
	t.Run("the count is the total to send", func(t *testing.T) {
		res, got, err := send(t, nettest.PatternFile(t, size), 1000, 2000, nil, nil)
		wantAll(t, res, got, err, 1000, 2000)
	})
	t.Run("a count of 0 is refused there and sends nothing here", func(t *testing.T) {
		res, got, err := send(t, nettest.PatternFile(t, size), 1000, 0, nil, nil)
		wantAll(t, res, got, err, 1000, 0)
	})
	t.Run("returns how many bytes were sent", func(t *testing.T) {
		if res, got, _ := send(t, nettest.PatternFile(t, size), 10, -1, nil, nil); res.Sent != int64(len(got)) {
			t.Errorf("reported %d bytes, the peer got %d", res.Sent, len(got))
		}
	})
	t.Run("an empty file returns 0", func(t *testing.T) {
		res, got, err := send(t, nettest.PatternFile(t, 0), 0, -1, nil, nil)
		wantAll(t, res, got, err, 0, 0)
	})
	t.Run("the socket must be a stream", func(t *testing.T) {
		udp := udpConn(t)
		if res, err := sendfile.Send(t.Context(), udp, nettest.PatternFile(t, size), 0, -1, nil); err == nil || res.Sent != 0 {
			t.Errorf("%+v, %v, want a refusal", res, err)
		}
	})
	t.Run("without sendfile it reads and sends", func(t *testing.T) {
		res, got, err := send(t, nettest.PatternFile(t, size), 10, -1, &sendfile.Options{Method: sendfile.Copy}, nil)
		wantAll(t, res, got, err, 10, size-10)
		if res.Method != sendfile.Copy {
			t.Errorf("method %v, want copy", res.Method)
		}
	})
	t.Run("a file that is not regular is read and sent", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		go func() {
			_, _ = w.Write(pattern(0, 1000))
			_ = w.Close()
		}()
		res, got, err := send(t, r, 0, -1, nil, nil)
		wantAll(t, res, got, err, 0, 1000)
	})
	if fastMethod == sendfile.Sendfile {
		t.Run("when the first call fails it reads and sends", func(t *testing.T) {
			res, got, err := send(t, nettest.PatternFile(t, size), 10, -1, nil, &sendfile.Faults{Nth: 1, Err: syscall.EINVAL})
			wantAll(t, res, got, err, 10, size-10)
			if res.Method != sendfile.Copy {
				t.Errorf("method %v, want copy", res.Method)
			}
		})
		t.Run("the fallback starts at the offset, not at the file's position as there", func(t *testing.T) {
			f := nettest.PatternFile(t, size)
			if _, err := f.Seek(500, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			res, got, err := send(t, f, 0, -1, nil, &sendfile.Faults{Nth: 1, Err: syscall.EINVAL})
			wantAll(t, res, got, err, 0, size)
		})
		t.Run("after some bytes an error is an error", func(t *testing.T) {
			res, got, err := send(t, nettest.PatternFile(t, size), 10, -1, &sendfile.Options{Chunk: 1000}, &sendfile.Faults{Nth: 3, Err: syscall.EIO})
			if !errors.Is(err, syscall.EIO) || res.Sent != 2000 || !bytes.Equal(got, pattern(10, 2000)) {
				t.Errorf("%+v, %v, and the peer got %d bytes, want 2000 and %v", res, err, len(got), syscall.EIO)
			}
		})
	}
	t.Run("the timeout is for each wait, not for all", func(t *testing.T) {
		// The transfer takes longer than the timeout, see also stall_test.go.
		server, client := nettest.Pair(t)
		got := nettest.Sum(t, client)
		const timeout = 100 * time.Millisecond
		pauses := 0
		res, err := sendfile.Send(t.Context(), server, nettest.PatternFile(t, size), 0, -1, &sendfile.Options{
			Timeout: timeout, Chunk: size / 4,
			Progress: func(sendfile.Result) {
				pauses++
				time.Sleep(timeout / 2) // the caller is slow, not the peer
			},
		})
		if err != nil || res.Sent != size || pauses < 4 { // more where a chunk is sent in parts
			t.Errorf("%+v, %v after %d chunks", res, err, pauses)
		}
		_ = server.Close()
		<-got
	})
	t.Run("a file that grows is sent to its new end", func(t *testing.T) {
		f := nettest.PatternFile(t, size)
		grown := false
		res, got, err := send(t, f, 0, -1, &sendfile.Options{Progress: func(sendfile.Result) {
			if !grown {
				grown = true
				if _, err := f.WriteAt(pattern(size, 1000), size); err != nil {
					t.Error(err)
				}
			}
		}}, nil)
		wantAll(t, res, got, err, 0, size+1000)
	})
	t.Run("a file that shrinks ends the transfer, there without an error, here with one", func(t *testing.T) {
		f := nettest.PatternFile(t, size)
		res, got, err := send(t, f, 0, -1, &sendfile.Options{Chunk: 1000, Progress: func(sendfile.Result) {
			if err := f.Truncate(5000); err != nil {
				t.Error(err)
			}
		}}, nil)
		if !errors.Is(err, io.ErrUnexpectedEOF) || res.Sent != 5000 || !bytes.Equal(got, pattern(0, 5000)) {
			t.Errorf("%+v, %v, and the peer got %d bytes, want 5000 and an unexpected EOF", res, err, len(got))
		}
	})
	t.Run("the file's position is moved there, also on an error, and here never", func(t *testing.T) {
		f := nettest.PatternFile(t, size)
		if _, err := f.Seek(500, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int64{-1, 2 * size} { // success, and failure at the end of the file
			_, _, _ = send(t, f, 1000, n, nil, nil)
			if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != 500 {
				t.Errorf("count %d: position %d, %v, want 500 as before", n, at, err)
			}
		}
	})
}
