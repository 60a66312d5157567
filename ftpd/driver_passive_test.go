package ftpd_test

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// wrapper is a driver that wraps passive listeners.
type wrapper struct {
	*mainDriver
	wrap func(net.Listener) (net.Listener, error)
}

func (d wrapper) WrapPassiveListener(ln net.Listener) (net.Listener, error) { return d.wrap(ln) }

// plain hides the methods of a connection beyond those of net.Conn.
type plain struct{ net.Conn }

type plainListener struct{ net.Listener }

func (l plainListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return plain{conn}, nil
}

func TestWrapPassiveListenerIsCalledOnceForEachPort(t *testing.T) {
	var mu sync.Mutex
	wrapped := make(map[uint16]int)
	s := run(t, wrapper{&mainDriver{client: memoryOf(t, "/f", "hello"), settings: binary}, func(ln net.Listener) (net.Listener, error) {
		mu.Lock()
		defer mu.Unlock()
		wrapped[portOf(t, ln.Addr().String())]++
		return ln, nil
	}}, nil)
	c := s.login()
	for range 3 * ftpd.SparePorts {
		addr := c.passive(epsv)
		mu.Lock()
		times := wrapped[portOf(t, addr)]
		mu.Unlock()
		if times != 1 {
			t.Fatalf("port %d was wrapped %d times", portOf(t, addr), times)
		}
		c.send("RETR f")
		c.connect(addr)
		c.expect(150, "RETR")
		c.expect(226, "RETR")
	}
	if len(wrapped) != ftpd.SparePorts {
		t.Errorf("%d ports were wrapped, want the %d that stay open", len(wrapped), ftpd.SparePorts)
	}
}

// A listener that reads the header of a proxy returns connections of a type of its own.
func TestDataOfAWrappedConnectionIsCopied(t *testing.T) {
	dir := t.TempDir()
	content := pattern(0, 3<<20)
	for _, tt := range []struct {
		name string
		wrap func(net.Listener) (net.Listener, error)
		want [2]sendfile.Method // up and down
	}{
		{"sendfile and splice with the original connection", func(ln net.Listener) (net.Listener, error) { return ln, nil }, [2]sendfile.Method{sendfile.Splice, sendfile.Sendfile}},
		{"copy with a connection of another type", func(ln net.Listener) (net.Listener, error) { return plainListener{ln}, nil }, [2]sendfile.Method{sendfile.Copy, sendfile.Copy}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !hasSendfile {
				tt.want = [2]sendfile.Method{sendfile.Copy, sendfile.Copy}
			}
			d := &mainDriver{client: afero.NewBasePathFs(afero.NewOsFs(), dir), settings: binary, config: always(testCertificate())}
			s := run(t, wrapper{d, tt.wrap}, nil)
			c := s.login()
			for _, m := range []mode{pasv, epsv} {
				c.put(m, "STOR f", strings.NewReader(content))
				up := s.transfer()
				got := c.get(m, "RETR f")
				down := s.transfer()
				if got != content {
					t.Errorf("%d other bytes", len(got))
				}
				if up.Method != tt.want[0] || down.Method != tt.want[1] {
					t.Errorf("the methods are %v and %v", up.Method, down.Method)
				}
			}
			c.data(epsv, "STOR f")
			c.want(426, "ABOR")
			c.expect(226, "ABOR")
			secure := s.secure(trust(0))
			if got := <-nettest.Sum(t, secure.begin("RETR f", secure.config)); got.SHA256 != nettest.PatternSum(0, 3<<20) {
				t.Errorf("in TLS: %d other bytes, %v", got.N, got.Err)
			}
			secure.expect(226, "RETR")
		})
	}
}

func TestAPortThatCannotBeWrappedIsRefusedAndReleased(t *testing.T) {
	for name, wrap := range map[string]func(net.Listener) (net.Listener, error){
		"Sorry, not now":              func(net.Listener) (net.Listener, error) { return nil, errors.New("sorry, not now") },
		"The wrapped listener is nil": func(net.Listener) (net.Listener, error) { return nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			r := freeRange(t, 3)
			d := &mainDriver{client: memoryOf(t, "/f", "hello"), settings: binary}
			d.settings.PassiveTransferPortRange = ftpserver.PortRange{Start: int(r.First), End: int(r.Last)}
			s := run(t, wrapper{d, func(ln net.Listener) (net.Listener, error) {
				if calls.Add(1) > 2 {
					return ln, nil
				}
				return wrap(ln)
			}}, nil)
			c := s.login()
			for _, line := range []string{"PASV", "EPSV"} {
				if text := c.want(425, line); !strings.HasSuffix(strings.ToLower(text), strings.ToLower(name)) {
					t.Errorf("got %q", text)
				}
			}
			if n := calls.Load(); n != 2 {
				t.Errorf("two commands have called the wrapper %d times", n)
			}
			if used, _ := s.PortsInUse(); used != 0 {
				t.Errorf("%d ports are in use", used)
			}
			if got := c.get(epsv, "RETR f"); got != "hello" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// failingListener is a listener that fails to accept the first connections.
type failingListener struct {
	net.Listener
	left atomic.Int32
}

func (l *failingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil && l.left.Add(-1) >= 0 {
		_ = conn.Close()
		return nil, errors.New("no header of a proxy")
	}
	return conn, err
}

func TestAFailedAcceptOfAWrapperAffectsNoOtherConnection(t *testing.T) {
	s := run(t, wrapper{&mainDriver{client: memoryOf(t, "/f", "hello"), settings: binary}, func(ln net.Listener) (net.Listener, error) {
		l := &failingListener{Listener: ln}
		l.left.Store(2)
		return l, nil
	}}, nil)
	c := s.login()
	addr := c.passive(epsv)
	for range 2 {
		if _, err := c.connect(addr).Read(make([]byte, 1)); err == nil {
			t.Error("a connection that was not accepted is open")
		}
	}
	conn := c.connect(addr)
	c.send("RETR f")
	c.expect(150, "RETR")
	if got := <-nettest.Sum(t, conn); got.N != 5 {
		t.Errorf("got %d bytes, %v", got.N, got.Err)
	}
	c.expect(226, "RETR")
}

func TestAWrapperMayEndOtherSessions(t *testing.T) {
	var first atomic.Pointer[ftpserver.ClientContext]
	d := &mainDriver{client: afero.NewMemMapFs()}
	d.connected = func(c ftpserver.ClientContext) (string, error) {
		first.CompareAndSwap(nil, &c)
		return "Hello", nil
	}
	var calls atomic.Int32
	s := run(t, wrapper{d, func(ln net.Listener) (net.Listener, error) {
		if calls.Add(1) == 2 {
			_ = (*first.Load()).Close()
		}
		return ln, nil
	}}, nil)
	waiting, other := s.login(), s.login()
	waiting.passive(epsv)
	other.passive(epsv)
	waiting.end()
	other.want(200, "NOOP")
}

func TestAPanicOfAWrapperEndsItsSessionOnly(t *testing.T) {
	var calls atomic.Int32
	s := run(t, wrapper{&mainDriver{client: afero.NewMemMapFs()}, func(ln net.Listener) (net.Listener, error) {
		if calls.Add(1) == 1 {
			panic("a mistake in the program")
		}
		return ln, nil
	}}, func(s *ftpd.Server) { s.Logger = slog.New(slog.DiscardHandler) })
	c := s.login()
	c.send("EPSV")
	c.end()
	s.login().passive(epsv)
}
