package admin

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/live"
	"sluice/internal/nettest"
)

// endlessListener is a listener on which a client always waits.
type endlessListener struct{ net.Listener }

func (endlessListener) Accept() (net.Conn, error) {
	c, peer := net.Pipe()
	return c, peer.Close()
}

func (endlessListener) Close() error { return nil }

// from is a connection of an address.
type from struct {
	net.Conn
	addr   string
	closed *atomic.Bool
}

func (c from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.addr))
}

func (c from) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

// listOf is a listener on which connections of some addresses wait, one after the other.
type listOf struct {
	net.Listener
	addrs chan string
}

func (l listOf) Accept() (net.Conn, error) {
	addr, ok := <-l.addrs
	if !ok {
		return nil, net.ErrClosed
	}
	c, peer := net.Pipe()
	return from{c, addr, new(atomic.Bool)}, peer.Close()
}

func (l listOf) Close() error { return nil }

func isClosed(c net.Conn) bool { return c.(*limitedConn).Conn.(from).closed.Load() }

// accept accepts a connection of an address.
func accept(t *testing.T, ln net.Listener, addrs chan string, addr string) net.Conn {
	t.Helper()
	addrs <- addr
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestANewConnectionTakesThePlaceOfTheOneThatWaitsLongest(t *testing.T) {
	const one, other = "192.0.2.1:1000", "192.0.2.2:1000"
	for name, tt := range map[string]struct {
		addrs   []string // of the first connections; the last is that of all others
		serving []int
		want    int // which is closed
	}{
		"all of one address":                          {[]string{one}, nil, 0},
		"the first answers a request":                 {[]string{one}, []int{0}, 1},
		"the first is the only one of its address":    {[]string{other, one}, nil, 1},
		"the others of that address answer a request": {[]string{one, other, one}, []int{0, 2, 3}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			addrs := make(chan string, 1)
			ln := Limit(listOf{addrs: addrs})
			var all []net.Conn
			for i := range MaxConns {
				all = append(all, accept(t, ln, addrs, tt.addrs[min(i, len(tt.addrs)-1)]))
			}
			for _, i := range tt.serving {
				beginRequest(ConnContext(t.Context(), all[i]))
			}
			added := accept(t, ln, addrs, other)
			for i, c := range all {
				if isClosed(c) != (i == tt.want) {
					t.Errorf("connection %d: closed %v, want %v", i, isClosed(c), i == tt.want)
				}
			}
			if isClosed(added) {
				t.Error("the new one was closed")
			}
		})
	}
}

func TestAConnectionWaitsFromItsLastRequestOn(t *testing.T) {
	addrs := make(chan string, 1)
	ln := Limit(listOf{addrs: addrs})
	var all []net.Conn
	for range MaxConns {
		all = append(all, accept(t, ln, addrs, "192.0.2.1:1000"))
	}
	beginRequest(ConnContext(t.Context(), all[0]))()
	accept(t, ln, addrs, "192.0.2.1:1000")
	if isClosed(all[0]) || !isClosed(all[1]) {
		t.Error("the one that had a request just now was closed, not the next")
	}
}

func TestIfAllAnswerRequestsTheNextConnectionWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		addrs := make(chan string, MaxConns+2)
		ln := Limit(listOf{addrs: addrs})
		var ends []func()
		var first net.Conn
		for range MaxConns {
			c := accept(t, ln, addrs, "192.0.2.1:1000")
			if first == nil {
				first = c
			}
			ends = append(ends, beginRequest(ConnContext(t.Context(), c)))
		}
		accepted := make(chan error, 3)
		go func() {
			for range cap(accepted) {
				_, err := ln.Accept()
				accepted <- err
			}
		}()
		want := func(when string, n int) {
			t.Helper()
			synctest.Wait()
			if got := len(accepted); got != n {
				t.Errorf("%s: %d were accepted, want %d", when, got, n)
			}
		}
		addrs <- "192.0.2.2:1000"
		want("at first", 0)
		_ = first.Close()
		want("after one was closed", 1)
		_ = first.Close()
		addrs <- "192.0.2.2:1000"
		want("then the new one gives way", 2)
		ends[1]()
		_ = ln.Close()
		_ = ln.Close()
		close(addrs)
		want("after Close", 3)
	})
}

// failingListener is a listener whose every second Accept fails, the first too.
type failingListener struct {
	endlessListener
	calls *int
}

func (r failingListener) Accept() (net.Conn, error) {
	if *r.calls++; *r.calls%2 == 1 {
		return nil, errors.New("no descriptor")
	}
	return r.endlessListener.Accept()
}

func TestLimitCountsNoFailures(t *testing.T) {
	ln := Limit(failingListener{calls: new(int)})
	for range 3 * MaxConns {
		if _, err := ln.Accept(); err == nil {
			t.Error("the first Accept has not failed")
		}
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
}

// Connections that send nothing, or a part of a request, keep nobody from asking for the health.
func TestIdleConnectionsDoNotHoldHealth(t *testing.T) {
	nettest.CheckLeaks(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &Handler{Live: new(live.Registry)}
	defer h.Close()
	s := &http.Server{Handler: h, ConnContext: ConnContext}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(Limit(ln)) }()
	defer func() { _ = s.Close(); <-ended }()
	for i := range 2 * MaxConns {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\n")
		}
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + ln.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
}
