package httpd_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// listen opens a Listener, which the end of the test closes.
func listen(t *testing.T, network, address string) *httpd.Listener {
	t.Helper()
	ln, err := httpd.Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// wantServed fails the test unless a connection to ln is accepted and served.
func wantServed(t *testing.T, ln net.Listener) {
	t.Helper()
	accepted := make(chan error, 1)
	go func() {
		c, err := ln.Accept()
		if err == nil {
			_, err = io.WriteString(c, "hello")
			_ = c.Close()
		}
		accepted <- err
	}()
	c, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
		t.Errorf("the client got %q, %v", got, err)
	}
	if err := <-accepted; err != nil {
		t.Errorf("Accept: %v", err)
	}
}

func TestListenOnAddresses(t *testing.T) {
	nettest.CheckLeaks(t)
	for _, tt := range []struct {
		name, network, address string
		want                   string // host of the address
		dial                   []string
	}{
		{"IPv4", "tcp", "127.0.0.1:0", "127.0.0.1", []string{"127.0.0.1"}},
		{"IPv6", "tcp", "[::1]:0", "::1", []string{"::1"}},
		{"all addresses", "tcp", ":0", "::", []string{"127.0.0.1", "::1"}},
		{"all addresses of IPv4", "tcp4", ":0", "0.0.0.0", []string{"127.0.0.1"}},
		{"all addresses of IPv6", "tcp6", ":0", "::", []string{"::1"}},
		{"a host name", "tcp", "localhost:0", "127.0.0.1", []string{"127.0.0.1"}},
		{"no port", "tcp", "127.0.0.1:", "127.0.0.1", []string{"127.0.0.1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ln := listen(t, tt.network, tt.address)
			host, port, err := net.SplitHostPort(ln.Addr().String())
			if err != nil || host != tt.want || port == "0" {
				t.Errorf("listens on %s, %v, want %s and a port", ln.Addr(), err, tt.want)
			}
			for _, host := range tt.dial {
				c, err := net.Dial("tcp", net.JoinHostPort(host, port))
				if err != nil {
					t.Errorf("dial %s: %v", host, err)
					continue
				}
				accepted, err := ln.Accept()
				if err != nil {
					t.Errorf("accept from %s: %v", host, err)
				} else {
					_ = accepted.Close()
				}
				_ = c.Close()
			}
			if tt.network == "tcp6" {
				if c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
					t.Error("a socket of IPv6 alone has accepted a client of IPv4")
					_ = c.Close()
				}
			}
		})
	}
}

func TestListenFailsAsPackageNetDoes(t *testing.T) {
	nettest.CheckLeaks(t)
	inUse := listen(t, "tcp", "127.0.0.1:0").Addr().String()
	for _, tt := range []struct{ name, network, address string }{
		{"in use", "tcp", inUse},
		{"in use by a socket of another family", "tcp", "[::ffff:127.0.0.1]" + inUse[strings.LastIndex(inUse, ":"):]},
		{"the address of another machine", "tcp", "192.0.2.1:0"},
		{"no port in the address", "tcp", "127.0.0.1"},
		{"a port that is too large", "tcp", "127.0.0.1:70000"},
		{"an unknown host", "tcp", "host.invalid:0"},
		{"an address of the other family", "tcp4", "[::1]:0"},
		{"an unknown network", "tcp5", "127.0.0.1:0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var lc net.ListenConfig
			lc.SetMultipathTCP(false)
			other, want := lc.Listen(t.Context(), tt.network, tt.address)
			if want == nil {
				_ = other.Close()
				t.Fatal("package net can listen there")
			}
			ln, err := httpd.Listen(t.Context(), tt.network, tt.address)
			if err == nil {
				_ = ln.Close()
				t.Fatalf("no error, want %v", want)
			}
			if op := new(net.OpError); err.Error() != want.Error() || !errors.As(err, &op) {
				t.Errorf("error %v, want %v", err, want)
			}
		})
	}
	if _, err := httpd.Listen(t.Context(), "unix", "x"); !errors.As(err, new(net.UnknownNetworkError)) {
		t.Errorf("error %v, want that the network is unknown", err)
	}
}

func TestPlainListenersCannotJoinAListener(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t, "tcp", "127.0.0.1:0")
	for range 2 { // before Accept, and afterwards
		if _, err := httpd.Listen(t.Context(), "tcp", ln.Addr().String()); !isInUse(err) {
			t.Errorf("error %v, want that the address is in use", err)
		}
		wantServed(t, ln)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	wantServed(t, listen(t, "tcp", ln.Addr().String()))
}

func isInUse(err error) bool {
	const windows = syscall.Errno(10048) // WSAEADDRINUSE
	return errors.Is(err, syscall.EADDRINUSE) || runtime.GOOS == "windows" && errors.Is(err, windows)
}

func TestListenersThatShareAnAddress(t *testing.T) {
	nettest.CheckLeaks(t)
	config := httpd.ListenConfig{ReusePort: true}
	ln, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if runtime.GOOS != "linux" {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("error %v, want that it is unsupported", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	other, err := config.Listen(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	wantServed(t, other)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAClosedListener(t *testing.T) {
	nettest.CheckLeaks(t)
	for name, prepare := range map[string]func(ln *httpd.Listener){
		"that accepted nothing": func(*httpd.Listener) {},
		"that has accepted":     func(ln *httpd.Listener) { wantServed(t, ln) },
	} {
		t.Run(name, func(t *testing.T) {
			ln := listen(t, "tcp", "127.0.0.1:0")
			prepare(ln)
			for range 2 {
				if err := ln.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			if c, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept = %v, %v, want that it is closed", c, err)
			}
			if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
				t.Error("a client could connect")
				_ = c.Close()
			}
		})
	}
}

func TestCloseEndsAccept(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t, "tcp", "127.0.0.1:0")
	wantServed(t, ln)
	failed := make(chan error)
	go func() {
		_, err := ln.Accept()
		failed <- err
	}()
	_ = ln.Close()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v, want that it is closed", err)
	}
}

func TestOtherServersUseAListener(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t, "tcp", "127.0.0.1:0")
	server := http.Server{Handler: http.NotFoundHandler()}
	ended := make(chan error)
	go func() { ended <- server.Serve(ln) }()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", resp.StatusCode)
	}
	_ = server.Close()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
}

func TestNewListenerTakesOver(t *testing.T) {
	nettest.CheckLeaks(t)
	for _, tt := range []struct {
		name string
		open func(t *testing.T) (net.Listener, error)
	}{
		{"a TCP listener", func(*testing.T) (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }},
		{"a unix listener", func(t *testing.T) (net.Listener, error) {
			if nettest.OnWine() {
				t.Skip("wine 8 has no unix sockets")
			}
			return net.Listen("unix", filepath.Join(nettest.TempDir(t), "s"))
		}},
		{"another listener", func(*testing.T) (net.Listener, error) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			return struct{ net.Listener }{ln}, err
		}},
		{"a Listener", func(t *testing.T) (net.Listener, error) { return listen(t, "tcp", "127.0.0.1:0"), nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old, err := tt.open(t)
			if err != nil {
				t.Fatal(err)
			}
			c, err := net.Dial(old.Addr().Network(), old.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			ln, err := httpd.NewListener(old)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			if got, want := ln.Addr().String(), old.Addr().String(); got != want {
				t.Errorf("the address is %s, want %s", got, want)
			}
			accepted, err := ln.Accept()
			if err != nil {
				t.Fatalf("a client that came before: %v", err)
			}
			_ = accepted.Close()
			wantServed(t, ln)
		})
	}
}

func TestThePathOfAUnixListener(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("package net removes no paths there")
	}
	nettest.CheckLeaks(t)
	removed := func(path string) bool {
		_, err := os.Lstat(path)
		return errors.Is(err, fs.ErrNotExist)
	}
	for _, tt := range []struct {
		name  string
		open  func(path string) (*net.UnixListener, error)
		later func(*httpd.Listener)
		want  bool // that Close removes it
	}{
		{"is removed if package net has made it", openUnix, nil, true},
		{"is removed after Accept", openUnix, func(ln *httpd.Listener) { wantServed(t, ln) }, true},
		{"stays if the listener was set to keep it", func(path string) (*net.UnixListener, error) {
			ln, err := openUnix(path)
			if err == nil {
				ln.SetUnlinkOnClose(false)
			}
			return ln, err
		}, nil, false},
		{"stays if the listener comes from a descriptor", func(path string) (*net.UnixListener, error) {
			ln, err := openUnix(path)
			if err != nil {
				return nil, err
			}
			defer ln.Close()
			ln.SetUnlinkOnClose(false)
			f, err := ln.File()
			if err != nil {
				return nil, err
			}
			defer f.Close()
			handed, err := net.FileListener(f)
			if err != nil {
				return nil, err
			}
			return handed.(*net.UnixListener), nil
		}, nil, false},
		{"stays if it is set so later", openUnix, func(ln *httpd.Listener) { ln.SetUnlinkOnClose(false) }, false},
		{"is removed if it is set so last", openUnix, func(ln *httpd.Listener) { ln.SetUnlinkOnClose(false); ln.SetUnlinkOnClose(true) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(nettest.TempDir(t), "s")
			old, err := tt.open(path)
			if err != nil {
				t.Fatal(err)
			}
			ln, err := httpd.NewListener(old)
			if err != nil {
				t.Fatal(err)
			}
			if removed(path) {
				t.Fatal("removed by NewListener")
			}
			if tt.later != nil {
				tt.later(ln)
			}
			if err := ln.Close(); err != nil {
				t.Fatal(err)
			}
			if got := removed(path); got != tt.want {
				t.Errorf("removed by Close: %v, want %v", got, tt.want)
			}
		})
	}
}

func openUnix(path string) (*net.UnixListener, error) {
	return net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
}

func TestListenAndServe(t *testing.T) {
	nettest.CheckLeaks(t)
	inUse := listen(t, "tcp", "127.0.0.1:0").Addr().String()
	if err := new(httpd.Server).ListenAndServe(inUse); !isInUse(err) {
		t.Errorf("error %v, want that the address is in use", err)
	}
	server := new(httpd.Server)
	defer server.Close()
	_ = server.Close()
	if err := server.ListenAndServe("127.0.0.1:0"); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("a server that is closed: %v", err)
	}
}
