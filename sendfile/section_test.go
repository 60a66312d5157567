package sendfile_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

func pattern(off, n int64) []byte {
	p := make([]byte, n)
	nettest.PatternAt(p, off)
	return p
}

func TestASectionIsAReader(t *testing.T) {
	f := nettest.PatternFile(t, 10_000)
	for _, tt := range []struct {
		name   string
		off, n int64
	}{
		{"the whole file", 0, 10_000}, {"the middle", 100, 5000}, {"one byte", 9999, 1}, {"nothing", 5, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := iotest.TestReader(sendfile.NewSection(f, tt.off, tt.n), pattern(tt.off, tt.n)); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("beyond the end of the file is an error", func(t *testing.T) {
		s := sendfile.NewSection(f, 9000, 2000)
		got, err := io.ReadAll(s)
		if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.Equal(got, pattern(9000, 1000)) {
			t.Errorf("%d bytes, %v, want the last 1000 and an unexpected EOF", len(got), err)
		}
	})
	t.Run("seeking before the beginning is an error", func(t *testing.T) {
		if _, err := sendfile.NewSection(f, 0, 10).Seek(-1, io.SeekStart); err == nil {
			t.Error("no error")
		}
	})
}

func TestCopyingASectionTakesTheFastPath(t *testing.T) {
	const off, n = 1000, 500_000
	f := nettest.PatternFile(t, off+n+1000)
	for _, tt := range []struct {
		name string
		wrap func(c net.Conn) net.Conn
		want sendfile.Method
	}{
		{"to a TCP connection", func(c net.Conn) net.Conn { return c }, fastMethod},
		{"to a counting connection", func(c net.Conn) net.Conn { return sendfile.NewConn(c) }, fastMethod},
		{"to a wrapper", func(c net.Conn) net.Conn { return opaque{c} }, sendfile.Copy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			s := sendfile.NewSection(f, off, n)
			if _, err := s.Seek(100, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			sent, err := io.Copy(tt.wrap(server), s)
			if err != nil || sent != n-100 {
				t.Errorf("%d bytes, %v, want %d", sent, err, n-100)
			}
			if res := s.Result(); res.Method != tt.want || res.Sent != n-100 {
				t.Errorf("Result = %+v, want method %v", res, tt.want)
			}
			if left, err := io.ReadAll(s); err != nil || len(left) != 0 {
				t.Errorf("%d bytes left, %v, want none", len(left), err)
			}
			if g := received(t, server, got); g.SHA256 != nettest.PatternSum(off+100, n-100) {
				t.Errorf("the peer got %d bytes of other content", g.N)
			}
		})
	}
	t.Run("to something else it is copied", func(t *testing.T) {
		var b bytes.Buffer
		s := sendfile.NewSection(f, off, n)
		if sent, err := io.Copy(&b, s); err != nil || sent != n || s.Result().Method != sendfile.Copy {
			t.Errorf("%d bytes, %v, %+v", sent, err, s.Result())
		}
		if sha256.Sum256(b.Bytes()) != nettest.PatternSum(off, n) {
			t.Error("other content")
		}
	})
}

func TestASectionOfMemoryIsCopied(t *testing.T) {
	const off, n = 1000, 300_000
	src := bytes.NewReader(pattern(0, off+n+1000))
	server, client := nettest.Pair(t)
	got := nettest.Sum(t, client)
	s := sendfile.NewSection(src, off, n)
	if sent, err := io.Copy(server, s); err != nil || sent != n {
		t.Errorf("%d bytes, %v, want %d", sent, err, n)
	}
	if want := (sendfile.Result{Sent: n, Method: sendfile.Copy}); s.Result() != want {
		t.Errorf("Result = %+v, want %+v", s.Result(), want)
	}
	if g := received(t, server, got); g.SHA256 != nettest.PatternSum(off, n) {
		t.Errorf("the peer got %d bytes of other content", g.N)
	}
}

func TestReadingASectionOfASourceThatBreaksTheRulesEnds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		count func(asked int) int
		want  string
	}{
		{"no bytes and no error", func(int) int { return 0 }, io.ErrNoProgress.Error()},
		{"a negative count", func(int) int { return -1 }, "invalid count"},
		{"a count larger than asked", func(asked int) int { return asked + 1 }, "invalid count"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := readerAt(func(p []byte, _ int64) (int, error) { return tt.count(len(p)), nil })
			n, err := io.Copy(io.Discard, sendfile.NewSection(src, 0, 1000))
			if n != 0 || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%d bytes, %v, want none and an error about %q", n, err, tt.want)
			}
		})
	}
	t.Run("a few bytes without an error are not the end", func(t *testing.T) {
		src := readerAt(func(p []byte, off int64) (int, error) {
			p = p[:min(len(p), 7)]
			nettest.PatternAt(p, off)
			return len(p), nil
		})
		if got, err := io.ReadAll(sendfile.NewSection(src, 0, 1000)); err != nil || !bytes.Equal(got, pattern(0, 1000)) {
			t.Errorf("%d bytes, %v, want 1000", len(got), err)
		}
	})
	t.Run("a nil source is an error", func(t *testing.T) {
		if n, err := sendfile.NewSection(nil, 0, 10).Read(make([]byte, 5)); n != 0 || err == nil {
			t.Errorf("%d bytes, %v, want an error", n, err)
		}
	})
}

func TestAConnCountsAndKeepsTheFastPath(t *testing.T) {
	const size = 300_000
	zero := func(n int64) int64 {
		if fastMethod == sendfile.Copy {
			return 0
		}
		return n
	}
	for _, tt := range []struct {
		name       string
		send       func(c *sendfile.Conn, f *os.File) (int64, error)
		off, n     int64
		zeroCopied int64 // the value of Conn.ZeroCopied
		position   int64 // the file's position afterwards
	}{
		{"Send", func(c *sendfile.Conn, f *os.File) (int64, error) {
			res, err := sendfile.Send(t.Context(), c, f, 10, 1000, nil)
			return res.Sent, err
		}, 10, 1000, zero(1000), 0},
		{"io.CopyN of a file, from its position", func(c *sendfile.Conn, f *os.File) (int64, error) {
			if _, err := f.Seek(10, io.SeekStart); err != nil {
				return 0, err
			}
			return io.CopyN(c, f, 1000)
		}, 10, 1000, zero(1000), 1010},
		{"io.Copy of a limited file that is shorter", func(c *sendfile.Conn, f *os.File) (int64, error) {
			return io.Copy(c, io.LimitReader(f, 2*size))
		}, 0, size, zero(size), size},
		{"io.Copy of a file, by package net", func(c *sendfile.Conn, f *os.File) (int64, error) {
			return io.Copy(c, f)
		}, 0, size, 0, size},
		{"io.Copy of anything else", func(c *sendfile.Conn, _ *os.File) (int64, error) {
			return io.Copy(c, bytes.NewReader(pattern(0, size)))
		}, 0, size, 0, 0},
		{"Write", func(c *sendfile.Conn, _ *os.File) (int64, error) {
			n, err := c.Write(pattern(0, 1000))
			return int64(n), err
		}, 0, 1000, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			f := nettest.PatternFile(t, size)
			c := sendfile.NewConn(server)
			n, err := tt.send(c, f)
			if err != nil || n != tt.n {
				t.Errorf("%d bytes, %v, want %d", n, err, tt.n)
			}
			if c.Sent() != tt.n || c.ZeroCopied() != tt.zeroCopied || c.Received() != 0 {
				t.Errorf("counted %d sent, %d zero-copied, %d received, want %d, %d, 0", c.Sent(), c.ZeroCopied(), c.Received(), tt.n, tt.zeroCopied)
			}
			if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != tt.position {
				t.Errorf("the file's position is %d (%v), want %d", at, err, tt.position)
			}
			if g := received(t, server, got); g.SHA256 != nettest.PatternSum(tt.off, tt.n) {
				t.Errorf("the peer got %d bytes of other content", g.N)
			}
		})
	}
}

func TestAConnCountsWhatItReceives(t *testing.T) {
	const size = 300_000
	for _, tt := range []struct {
		name    string
		receive func(c *sendfile.Conn, f *os.File) (int64, error)
		splices bool
	}{
		{"Receive", func(c *sendfile.Conn, f *os.File) (int64, error) {
			res, err := sendfile.Receive(t.Context(), f, c, 0, -1, nil)
			return res.Sent, err
		}, true},
		{"io.Copy to a file", func(c *sendfile.Conn, f *os.File) (int64, error) { return io.Copy(f, c) }, true},
		{"io.Copy to anything else", func(c *sendfile.Conn, f *os.File) (int64, error) {
			return io.Copy(struct{ io.Writer }{f}, c)
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, client := nettest.Pair(t)
			feed(client, size, func() { _ = client.CloseWrite() })
			f := target(t, 0)
			c := sendfile.NewConn(server)
			n, err := tt.receive(c, f)
			if err != nil || n != size || c.Received() != size {
				t.Errorf("%d bytes, %v, counted %d, want %d", n, err, c.Received(), size)
			}
			var want int64
			if tt.splices && spliceMethod() == sendfile.Splice {
				want = size
			}
			if c.ZeroCopied() != want {
				t.Errorf("%d bytes zero-copied, want %d", c.ZeroCopied(), want)
			}
			if sumAt(t, f, 0, size) != nettest.PatternSum(0, size) {
				t.Error("the file has other content")
			}
		})
	}
}

func TestASectionWhosePositionIsBehindTheLargestOffsetSendsNothing(t *testing.T) {
	server, _ := net.Pipe()
	defer server.Close()
	s := sendfile.NewSection(strings.NewReader("0123456789"), 5, 5)
	if _, err := s.Seek(math.MaxInt64, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if n, err := s.WriteTo(server); n != 0 || err != nil {
		t.Errorf("WriteTo = %d, %v, want nothing", n, err)
	}
}
