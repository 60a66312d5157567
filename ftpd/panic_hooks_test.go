package ftpd_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/ftpd"
)

// faulty is a function of a program, which panics while armed is set.
type faulty struct {
	armed atomic.Bool
	calls atomic.Int32 // while it was
}

func (f *faulty) call() {
	if f.armed.Load() {
		f.calls.Add(1)
		panic("a mistake in the program")
	}
}

// A panic of any function of a program ends one session at most. The next client is served as ever, and the server can
// be closed.
func TestAPanicOfAHookEndsOneSessionAtMost(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(t *testing.T, srv *ftpd.Server, f func())
	}{
		{"Login", func(_ *testing.T, srv *ftpd.Server, f func()) {
			login := srv.Login
			srv.Login = func(ctx context.Context, c ftpd.Client, user, password string) (*ftpd.Account, error) {
				f()
				return login(ctx, c, user, password)
			}
		}},
		{"OnLogin", func(_ *testing.T, srv *ftpd.Server, f func()) { srv.OnLogin = func(ftpd.LoginAttempt) { f() } }},
		{"OnTransfer", func(_ *testing.T, srv *ftpd.Server, f func()) { srv.OnTransfer = func(ftpd.Transfer) { f() } }},
		{"OnChange", func(_ *testing.T, srv *ftpd.Server, f func()) { srv.OnChange = func(ftpd.FileChange) { f() } }},
		{"OnDisconnect", func(_ *testing.T, srv *ftpd.Server, f func()) { srv.OnDisconnect = func(ftpd.Disconnect) { f() } }},
		{"OnSync", func(_ *testing.T, srv *ftpd.Server, f func()) { srv.OnSync = func(ftpd.Sync) { f() } }},
		{"InPlace", func(_ *testing.T, srv *ftpd.Server, f func()) { srv.InPlace = func(string) bool { f(); return false } }},
		{"Listening", func(_ *testing.T, srv *ftpd.Server, f func()) { srv.Listening = func() []net.Addr { f(); return nil } }},
		{"Limiter", func(_ *testing.T, srv *ftpd.Server, f func()) { srv.Limiter = faultyLimiter(f) }},
		{"UploadLimiter", func(_ *testing.T, srv *ftpd.Server, f func()) { srv.UploadLimiter = faultyLimiter(f) }},
		{"Registry.OnTransfer", func(_ *testing.T, srv *ftpd.Server, f func()) {
			srv.Live = &ftpd.Registry{OnTransfer: func(ftpd.Transfer) { f() }}
		}},
		{"Registry.OnChange", func(_ *testing.T, srv *ftpd.Server, f func()) {
			srv.Live = &ftpd.Registry{OnChange: func(ftpd.FileChange) { f() }}
		}},
		{"Volume.OnRefusal", func(t *testing.T, srv *ftpd.Server, f func()) {
			login := srv.Login
			var volume *ftpd.Volume
			var once sync.Once
			srv.Login = func(ctx context.Context, c ftpd.Client, user, password string) (*ftpd.Account, error) {
				a, err := login(ctx, c, user, password)
				if err == nil {
					once.Do(func() {
						volume = ftpd.NewVolume(a.FS, ftpd.Reserve{})
						volume.OnRefusal = func(string) { f() }
						t.Cleanup(volume.Close)
					})
					a.Volume, a.Quota = volume, ftpd.Quota{FileBytes: maxTried - 1}
				}
				return a, err
			}
		}},
	} {
		for engine, start := range map[string]func(*testing.T, func(*ftpd.Server)) *server{"": start, " with the library": startLibrary} {
			t.Run(tt.name+engine, func(t *testing.T) {
				f := new(faulty)
				s := start(t, func(srv *ftpd.Server) {
					srv.Logger = slog.New(slog.DiscardHandler)
					tt.set(t, srv, f.call)
				})
				s.file("big", 50_000)
				f.armed.Store(true)
				s.tryEverything(t)
				if strings.HasPrefix(tt.name, "Listening") && engine != "" {
					return // the library does not ask
				}
				for deadline := time.Now().Add(patience); f.calls.Load() == 0; time.Sleep(time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatal("it was not called")
					}
				}
				f.armed.Store(false)
				c := s.login()
				c.put(epsv, "STOR after", strings.NewReader("ok"))
				if got := c.get(epsv, "RETR after"); got != "ok" {
					t.Errorf("then RETR has %q", got)
				}
			})
		}
	}
}

// After DELE a goroutine of no session syncs the directory.
func TestAPanicOfOnSyncAfterTheReplyIsLogged(t *testing.T) {
	calls := make(chan struct{}, 1)
	logged := new(record)
	s := start(t, func(srv *ftpd.Server) {
		srv.OnSync = func(ftpd.Sync) { calls <- struct{}{}; panic("a mistake in the program") }
		srv.Logger = slog.New(slog.NewTextHandler(logged, nil))
	})
	s.file("f", 1)
	c := s.login()
	c.want(250, "DELE f")
	next(t, calls)
	c.want(200, "NOOP")
	for deadline := time.Now().Add(patience); !strings.Contains(logged.String(), "a mistake in the program"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log has %q", logged)
		}
	}
}

// A listener of the program that panics delays the client that it is for.
func TestAPanicOfAWrappedListenerEndsNoOtherTransfer(t *testing.T) {
	f := new(faulty)
	s := run(t, wrapper{&mainDriver{client: memoryOf(t, "/f", "hello"), settings: binary}, func(ln net.Listener) (net.Listener, error) {
		return faultyListener{ln, f}, nil
	}}, nil)
	f.armed.Store(true)
	c := s.login()
	c.passive(epsv)
	for deadline := time.Now().Add(patience); f.calls.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it was not called")
		}
	}
	f.armed.Store(false)
	if got := s.login().get(epsv, "RETR f"); got != "hello" {
		t.Errorf("then RETR has %q", got)
	}
}

type faultyListener struct {
	net.Listener
	faulty *faulty
}

func (l faultyListener) Accept() (net.Conn, error) {
	l.faulty.call()
	return l.Listener.Accept()
}

// faultyLimiter is a Limiter that calls a function.
type faultyLimiter func()

func (f faultyLimiter) Wait(_ context.Context, n int) (int, error) { f(); return n, nil }
func (faultyLimiter) Return(int)                                   {}

// maxTried is the size of the file that tryEverything stores.
const maxTried = 100_000

// tryEverything is a session that goes as far as it can.
func (s *server) tryEverything(t *testing.T) {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	c := &client{t, conn.(*net.TCPConn), bufio.NewReader(conn)}
	if _, _, err := c.reply(); err != nil {
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port, addr := portOf(t, ln.Addr().String()), ""
	for _, line := range []string{
		"USER u", "PASS secret", "MKD d", "RMD d", "EPSV", "STOR stored", "EPSV", "RETR big", fmt.Sprintf("PORT 127,0,0,1,%d,%d", port>>8, port&255), "QUIT",
	} {
		if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
			return
		}
		if addr != "" {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				return
			}
			if strings.HasPrefix(line, "STOR") {
				_, _ = io.WriteString(conn, pattern(0, maxTried))
			} else {
				_ = conn.SetDeadline(time.Now().Add(patience))
				_, _ = io.Copy(io.Discard, conn)
			}
			_ = conn.Close()
			addr = ""
		}
		code, text, err := c.reply()
		if code == 150 {
			code, text, err = c.reply()
		}
		if err != nil {
			return
		}
		if code == 229 {
			_, rest, _ := strings.Cut(text, "(|||")
			number, _, _ := strings.Cut(rest, "|)")
			addr = net.JoinHostPort("127.0.0.1", number)
		}
	}
}
