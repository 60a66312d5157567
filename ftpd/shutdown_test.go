package ftpd_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

// shutdown calls Shutdown and returns a channel of its result.
func (s *server) shutdown(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	return done
}

func TestShutdownSends421ToIdleClients(t *testing.T) {
	s := start(t, nil)
	clients := []*client{s.dial(), s.guest(), s.login()}
	clients[2].passive(pasv)
	done := s.shutdown(t.Context())
	for _, c := range clients {
		c.expect(421, "shutdown")
		c.end()
	}
	if err := next(t, done); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	for range clients {
		if x := next(t, s.disconnects); !errors.Is(x.Err, ftpd.ErrServerClosed) {
			t.Errorf("got %v", x.Err)
		}
	}
	if conn, err := net.Dial("tcp", s.addr); err == nil {
		_ = conn.Close()
		t.Error("the server still listens")
	}
}

func TestShutdownLetsTransfersFinish(t *testing.T) {
	for _, m := range []mode{pasv, port} {
		t.Run(string(m), func(t *testing.T) {
			s := start(t, nil)
			idle, down, up := s.guest(), s.guest(), s.login()
			from := s.begin(down, m)
			to := s.beginUpload(up, "STOR f", pattern(0, 600_000), 256<<10)
			done := s.shutdown(t.Context())
			idle.expect(421, "shutdown") // Shutdown has begun

			if got := <-nettest.Sum(t, from); got.N+1 != big {
				t.Errorf("got %d bytes, want %d", got.N+1, big)
			}
			down.expect(226, "RETR")
			down.expect(421, "shutdown")
			down.end()

			select {
			case err := <-done:
				t.Errorf("Shutdown = %v before the upload has ended", err)
			default:
			}
			_ = to.Close()
			up.expect(226, "STOR")
			up.expect(421, "shutdown")
			up.end()
			if err := next(t, done); err != nil {
				t.Errorf("Shutdown = %v", err)
			}
			for range 2 {
				if x := s.transfer(); x.Err != nil {
					t.Errorf("got %+v", x)
				}
			}
			if s.content("f") != pattern(0, 600_000) {
				t.Error("the upload is not complete")
			}
		})
	}
}

func TestShutdownLetsAListingFinish(t *testing.T) {
	for _, m := range []mode{pasv, port} {
		t.Run(string(m), func(t *testing.T) {
			s := start(t, nil)
			path := s.makeDeepDir(2000)
			idle, c := s.guest(), s.guest()
			conn := c.data(m, "NLST "+path)
			done := s.shutdown(t.Context())
			idle.expect(421, "shutdown")
			if got := <-nettest.Sum(t, conn); got.N < 2000*int64(len(path)) || got.Err != nil {
				t.Errorf("got %d bytes, %v", got.N, got.Err)
			}
			c.expect(226, "NLST")
			c.expect(421, "shutdown")
			if err := next(t, done); err != nil {
				t.Errorf("Shutdown = %v", err)
			}
		})
	}
}

func TestShutdownRefusesNewTransfers(t *testing.T) {
	s := start(t, nil)
	idle, c := s.guest(), s.login()
	conn := s.beginUpload(c, "STOR f", pattern(0, 600_000), 256<<10)
	c.send("RETR f") // waits for the STOR
	done := s.shutdown(t.Context())
	idle.expect(421, "shutdown")
	_ = conn.Close()
	c.expect(226, "STOR")
	c.expect(421, "shutdown")
	c.end()
	if err := next(t, done); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	if x := s.transfer(); x.Op != ftpd.Store || x.Err != nil {
		t.Errorf("got %+v", x)
	}
}

func TestShutdownAfterAbor(t *testing.T) {
	s := start(t, nil)
	idle, c := s.guest(), s.guest()
	s.begin(c, pasv)
	done := s.shutdown(t.Context())
	idle.expect(421, "shutdown")
	c.want(426, "ABOR")
	c.expect(226, "ABOR")
	c.expect(421, "shutdown")
	c.end()
	if err := next(t, done); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
}

func TestShutdownCutsTransfersWhenItsContextEnds(t *testing.T) {
	for _, m := range []mode{pasv, port} {
		t.Run(string(m), func(t *testing.T) {
			s := start(t, nil)
			down, up := s.guest(), s.login()
			from := s.begin(down, m)
			s.beginUpload(up, "STOR f", pattern(0, 600_000), 256<<10)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := next(t, s.shutdown(ctx)); !errors.Is(err, context.Canceled) {
				t.Errorf("Shutdown = %v, want the error of the context", err)
			}
			for range 2 {
				if x := s.transfer(); !errors.Is(x.Err, ftpd.ErrServerClosed) {
					t.Errorf("got %v", x.Err)
				}
			}
			// An orderly end would mean the end of the file.
			if got := <-nettest.Sum(t, from); got.N >= big || !errors.Is(got.Err, syscall.ECONNRESET) {
				t.Errorf("the client got %d bytes and then %v, want a part and a reset", got.N, got.Err)
			}
			down.end()
			for _, name := range s.names() {
				if name == "f" {
					t.Error("an incomplete upload was published")
				}
			}
		})
	}
}

func TestCloseCutsAListing(t *testing.T) {
	s := start(t, nil)
	path := s.makeDeepDir(2000)
	c := s.guest()
	conn := c.data(port, "NLST "+path)
	_ = conn.SetReadBuffer(16 << 10)
	begun := time.Now()
	_ = s.Close()
	if d := time.Since(begun); d > patience {
		t.Errorf("Close took %v", d)
	}
}

func TestPanicEndsOneSessionOnly(t *testing.T) {
	for _, size := range []int64{10, 100_000} { // with and without detach
		var l record
		var careful atomic.Bool
		s := start(t, func(s *ftpd.Server) {
			s.Logger = slog.New(slog.NewTextHandler(&l, nil))
			s.OnTransfer = func(ftpd.Transfer) {
				if !careful.Load() {
					panic("a mistake")
				}
			}
		})
		s.file("f", size)
		c, other := s.guest(), s.guest()
		conn := c.connect(c.passive(pasv))
		c.send("RETR f")
		_, _ = io.Copy(io.Discard, conn)
		for {
			code, text, err := c.reply()
			if err != nil {
				break
			}
			if code != 150 {
				t.Errorf("reply %q", text)
			}
		}
		if x := next(t, s.disconnects); x.Err == nil || !strings.Contains(x.Err.Error(), "a mistake") {
			t.Errorf("got %v", x.Err)
		}
		if got := l.String(); !strings.Contains(got, "a mistake") || !strings.Contains(got, "shutdown_test.go") {
			t.Errorf("log = %s, want the stack", got)
		}
		careful.Store(true)
		if got := len(other.get(pasv, "RETR f")); got != int(size) {
			t.Errorf("another session got %d bytes", got)
		}
	}
}

func TestServeAfterShutdown(t *testing.T) {
	s := start(t, nil)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(ln); !errors.Is(err, ftpd.ErrServerClosed) {
		t.Errorf("Serve = %v", err)
	}
	if _, err := ln.Accept(); err == nil {
		t.Error("Serve has left the listener open")
	}
}

func TestServeEndsWithItsListener(t *testing.T) {
	s := start(t, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := s.Serve(ln); err == nil || errors.Is(err, ftpd.ErrServerClosed) {
		t.Errorf("Serve = %v, want the error of the listener", err)
	}
}

func TestServeNeedsAFileSystem(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := new(ftpd.Server).Serve(ln); err == nil {
		t.Error("Serve without a file system: no error")
	}
}

func TestFiftyClientsThatDieDuringTransfersLeaveNothing(t *testing.T) {
	const clients = 50
	s := start(t, func(s *ftpd.Server) { s.KeepPartials = -1 }) // start checks for leaked goroutines and descriptors
	type pair struct {
		control *client
		data    net.Conn
	}
	var all []pair
	for i := range clients {
		m := []mode{pasv, port, epsv, eprt}[i%4]
		var p pair
		if i%2 == 0 {
			p.control = s.guest()
			p.data = s.begin(p.control, m).(net.Conn)
		} else {
			p.control = s.login()
			p.data = p.control.data(m, "STOR f")
			if _, err := io.WriteString(p.data, pattern(0, 100_000)); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, p)
	}
	for i, p := range all {
		if i%3 > 0 {
			nettest.Reset(t, p.control.conn)
		}
		if i%3 < 2 {
			nettest.Reset(t, p.data.(*net.TCPConn))
		}
	}
	for i, p := range all {
		if i%3 == 0 {
			_ = p.control.conn.Close()
		}
	}
	for range clients {
		if x := s.transfer(); x.Err == nil {
			t.Errorf("reported as a success: %+v", x)
		}
		next(t, s.disconnects)
	}
	if got := s.names(); len(got) != 1 || got[0] != "big" {
		t.Errorf("the tree has %q", got)
	}
}
