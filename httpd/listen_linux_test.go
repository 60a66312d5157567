package httpd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/httpd"
	"sluice/httpd/internal/sockets"
	"sluice/internal/nettest"
)

// A loop is as much of an event loop as the tests of a Listener need.
type loop struct {
	fds    []int
	closed chan struct{} // by Close of the Listener
}

// descriptors takes the sockets of ln, as an event loop does.
func descriptors(t *testing.T, ln *httpd.Listener) loop {
	t.Helper()
	l := loop{closed: make(chan struct{})}
	fds, err := httpd.Descriptors(ln, func() { close(l.closed) })
	if err != nil || fds == nil {
		t.Fatalf("descriptors: %v, %v", fds, err)
	}
	l.fds = fds
	return l
}

// accept accepts the next connection and returns it and the index of its socket.
func (l loop) accept(t *testing.T) (fd, socket int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		for i := range l.poll(t, time.Second) {
			fd, _, err := unix.Accept4(l.fds[i], unix.SOCK_CLOEXEC)
			if err != nil {
				t.Fatal(err)
			}
			return fd, i
		}
	}
	t.Fatal("no connection came")
	return 0, 0
}

// isReady reports whether a connection can be accepted.
func (l loop) isReady(t *testing.T) bool { return len(l.poll(t, 0)) > 0 }

// poll returns the indexes of the sockets that have connections, and waits for one.
func (l loop) poll(t *testing.T, timeout time.Duration) map[int]struct{} {
	t.Helper()
	polled := make([]unix.PollFd, len(l.fds))
	for i, fd := range l.fds {
		polled[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	if _, err := unix.Poll(polled, int(timeout.Milliseconds())); err != nil && !errors.Is(err, unix.EINTR) {
		t.Fatal(err)
	}
	ready := make(map[int]struct{})
	for i := range polled {
		if polled[i].Revents&unix.POLLIN != 0 {
			ready[i] = struct{}{}
		}
	}
	return ready
}

func TestAcceptedConnectionsInheritOptions(t *testing.T) {
	options := map[string]struct{ level, name int }{
		"TCP_NODELAY":   {unix.IPPROTO_TCP, unix.TCP_NODELAY},
		"SO_KEEPALIVE":  {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
		"TCP_KEEPIDLE":  {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE},
		"TCP_KEEPINTVL": {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL},
		"TCP_KEEPCNT":   {unix.IPPROTO_TCP, unix.TCP_KEEPCNT},
	}
	// The values that package net sets are the ones that are wanted.
	server, _ := nettest.Pair(t)
	raw, err := server.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]int)
	if err := raw.Control(func(fd uintptr) {
		for name, o := range options {
			if want[name], err = unix.GetsockoptInt(int(fd), o.level, o.name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (*httpd.Listener, error){
		"Listen": func() (*httpd.Listener, error) { return httpd.Listen(t.Context(), "tcp", "127.0.0.1:0") },
		"Listen with ReusePort": func() (*httpd.Listener, error) {
			return (&httpd.ListenConfig{ReusePort: true}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		},
		"NewListener": func() (*httpd.Listener, error) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			return httpd.NewListener(ln)
		},
	} {
		t.Run(name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			ln, err := open()
			if err != nil {
				t.Fatal(err)
			}
			l := descriptors(t, ln)
			defer httpd.Release(ln)
			reached := make(map[int]bool)
			for tries := 0; len(reached) < len(l.fds); tries++ {
				if tries == 1000 {
					t.Fatalf("only %d of %d sockets get connections", len(reached), len(l.fds))
				}
				c, err := net.Dial("tcp", ln.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				fd, socket := l.accept(t)
				reached[socket] = true
				for name, o := range options {
					if got, err := unix.GetsockoptInt(fd, o.level, o.name); got != want[name] || err != nil {
						t.Errorf("socket %d: %s = %d, %v, want %d", socket, name, got, err, want[name])
					}
				}
				_ = unix.Close(fd)
				_ = c.Close()
			}
		})
	}
}

func TestNumberOfSockets(t *testing.T) {
	nettest.CheckLeaks(t)
	processors := runtime.GOMAXPROCS(0)
	for _, tt := range []struct {
		name   string
		config httpd.ListenConfig
		want   int
	}{
		{"one for each processor", httpd.ListenConfig{}, processors},
		{"more, if that is wanted", httpd.ListenConfig{Sockets: processors + 3}, processors + 3},
		{"not fewer", httpd.ListenConfig{Sockets: 1, ReusePort: true}, processors},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ln, err := tt.config.Listen(t.Context(), "tcp", ":0")
			if err != nil {
				t.Fatal(err)
			}
			l := descriptors(t, ln)
			defer httpd.Release(ln)
			if len(l.fds) != tt.want || ln.Loops() != processors {
				t.Errorf("%d sockets for %d loops, want %d and %d", len(l.fds), ln.Loops(), tt.want, processors)
			}
			for _, fd := range l.fds {
				flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
				if err != nil || flags&unix.O_NONBLOCK == 0 {
					t.Errorf("flags %#x, %v, want O_NONBLOCK", flags, err)
				}
				flags, err = unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
				if err != nil || flags&unix.FD_CLOEXEC == 0 {
					t.Errorf("flags %#x, %v, want FD_CLOEXEC", flags, err)
				}
				if n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); n != 1 || err != nil {
					t.Errorf("a socket does not listen: %v", err)
				}
			}
		})
	}
}

func TestLoopsShareASocketThatWasHandedOver(t *testing.T) {
	nettest.CheckLeaks(t)
	old, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := httpd.NewListener(old)
	if err != nil {
		t.Fatal(err)
	}
	l := descriptors(t, ln)
	defer httpd.Release(ln)
	if len(l.fds) != 1 || ln.Loops() != runtime.GOMAXPROCS(0) {
		t.Errorf("%d sockets for %d loops, want one", len(l.fds), ln.Loops())
	}
}

func TestLoopsAndAcceptExcludeEachOther(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t, "tcp", "127.0.0.1:0")
	l := descriptors(t, ln)
	if c, err := ln.Accept(); err == nil {
		t.Errorf("Accept = %v, want an error", c)
	}
	if fds, err := httpd.Descriptors(ln, func() {}); fds != nil || err != nil {
		t.Errorf("a second server got %v, %v", fds, err)
	}
	_ = ln.Close()
	<-l.closed
	httpd.Release(ln)

	ln = listen(t, "tcp", "127.0.0.1:0")
	wantServed(t, ln)
	if fds, err := httpd.Descriptors(ln, func() {}); fds != nil || err != nil {
		t.Errorf("after Accept the descriptors are %v, %v", fds, err)
	}
	_ = ln.Close()

	ln, err := httpd.NewListener(struct{ net.Listener }{listen(t, "tcp", "127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	if fds, err := httpd.Descriptors(ln, func() {}); fds != nil || err != nil || ln.Loops() != 0 {
		t.Errorf("a listener without a descriptor has %v, %v, for %d loops", fds, err, ln.Loops())
	}
	_ = ln.Close()
}

// A loop must be able to accept what is in the queues before the sockets are closed.
func TestCloseLeavesTheQueuesToTheLoops(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t, "tcp", "127.0.0.1:0")
	l := descriptors(t, ln)
	const clients = 20
	conns := make([]net.Conn, clients)
	for i := range conns {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns[i] = c
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	<-l.closed
	for range conns {
		fd, _ := l.accept(t)
		_, _ = unix.Write(fd, []byte("hello"))
		_ = unix.Close(fd)
	}
	httpd.Release(ln)
	for _, c := range conns {
		if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
			t.Errorf("a client got %q, %v", got, err)
		}
	}
	if err := ln.Close(); err != nil {
		t.Errorf("Close after release: %v", err)
	}
}

// Connections that come before Accept is called are all accepted, because only one
// socket listens until event loops take over.
func TestAcceptLosesNoConnections(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t, "tcp", "127.0.0.1:0")
	const clients = 50
	for range clients {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	for range clients {
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
}

// The poller of the runtime must not see the sockets: it would wake a thread for
// each connection.
func TestThePollerDoesNotWatchListeners(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t, "tcp", "127.0.0.1:0")
	l := descriptors(t, ln)
	defer httpd.Release(ln)
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		info, err := os.ReadFile("/proc/self/fdinfo/" + fd.Name())
		if err != nil {
			continue // the descriptor of ReadDir
		}
		for _, watched := range epollTargets(string(info)) {
			for _, fd := range l.fds {
				if watched == fd {
					t.Errorf("descriptor %d is watched", fd)
				}
			}
		}
	}
}

func TestTheBacklogOfAllSockets(t *testing.T) {
	nettest.CheckLeaks(t)
	const clients = 20
	wantBacklog := func(ln *httpd.Listener, sockets, waiting int, limit *int, haveDrops bool) {
		t.Helper()
		b, err := ln.Backlog()
		if *limit == 0 {
			*limit = b.Limit // of one socket
		}
		if err != nil || b.Waiting != waiting || b.Limit != sockets**limit || b.Limit == 0 || b.HaveDrops != haveDrops {
			t.Errorf("backlog %+v, %v, want %d that wait, the limit of %d sockets, %d each, and drops known: %v", b, err, waiting, sockets, *limit, haveDrops)
		}
	}
	dial := func(ln *httpd.Listener) {
		for range clients {
			c, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
		}
	}
	var limit int

	ln := listen(t, "tcp", "127.0.0.1:0")
	dial(ln)
	wantBacklog(ln, 1, clients, &limit, false)
	l := descriptors(t, ln)
	dial(ln)
	wantBacklog(ln, len(l.fds), 2*clients, &limit, false)
	httpd.Release(ln)
	if b, err := ln.Backlog(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %+v, %v", b, err)
	}

	ln = listen(t, "tcp", "127.0.0.1:0")
	dial(ln)
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	wantBacklog(ln, 1, clients-1, &limit, true)
	_ = ln.Close()

	ln, err = httpd.NewListener(struct{ net.Listener }{listen(t, "tcp", "127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := ln.Backlog(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("without a descriptor: %+v, %v", b, err)
	}
}

// Two servers that start at the same moment must not share an address.
func TestOnlyOneOfManyGetsTheAddress(t *testing.T) {
	nettest.CheckLeaks(t)
	free := listen(t, "tcp", "127.0.0.1:0")
	addr := free.Addr().String()
	_ = free.Close()
	var listeners sync.WaitGroup
	got := make(chan *httpd.Listener, 8)
	for range cap(got) {
		listeners.Go(func() {
			ln, err := httpd.Listen(context.Background(), "tcp", addr)
			if err == nil {
				got <- ln
			} else if !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("error %v, want that the address is in use", err)
			}
		})
	}
	listeners.Wait()
	if len(got) != 1 {
		t.Errorf("%d servers have the address, want one", len(got))
	}
	for range len(got) {
		_ = (<-got).Close()
	}
}

func TestDeferredAcceptWaitsForTheClient(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t, "tcp", "127.0.0.1:0")
	l := descriptors(t, ln)
	defer httpd.Release(ln)
	for _, on := range []bool{true, false} {
		for _, fd := range l.fds {
			if err := sockets.SetDeferAccept(fd, on); err != nil {
				t.Fatal(err)
			}
		}
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if on && l.isReady(t) {
			t.Error("a deferred connection is ready before the client has sent anything")
		}
		if on {
			if _, err := io.WriteString(c, "x"); err != nil {
				t.Fatal(err)
			}
		}
		fd, _ := l.accept(t)
		n, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_DONTWAIT)
		if on && (n != 1 || err != nil) {
			t.Errorf("a deferred connection had %d bytes, %v, at accept", n, err)
		}
		if !on && !errors.Is(err, unix.EAGAIN) {
			t.Errorf("a connection that is not deferred had %d bytes, %v, at accept", n, err)
		}
		_ = unix.Close(fd)
		_ = c.Close()
	}
}

// epollTargets returns the descriptors that an epoll set watches, from its fdinfo.
func epollTargets(info string) (fds []int) {
	for line := range strings.Lines(info) {
		var fd int
		if _, err := fmt.Sscanf(line, "tfd: %d", &fd); err == nil {
			fds = append(fds, fd)
		}
	}
	return fds
}
