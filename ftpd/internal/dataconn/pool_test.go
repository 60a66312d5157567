package dataconn_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/ftpd/internal/dataconn"
	"sluice/internal/nettest"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// patience limits every wait, so that a failing test does not hang.
const patience = 20 * time.Second

// listen reserves a port for client until the end of the test.
func listen(t *testing.T, p *dataconn.Pool, client netip.Addr) *dataconn.Passive {
	t.Helper()
	l, err := p.Listen(loopback, client, patience, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// dial connects to a port of loopback.
func dial(t *testing.T, port uint16) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", netip.AddrPortFrom(loopback, port).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// wantOpened checks that l opens the connection of client.
func wantOpened(t *testing.T, l *dataconn.Passive, client net.Conn) {
	t.Helper()
	conn, err := l.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := conn.NetConn().RemoteAddr().String(), client.LocalAddr().String(); got != want {
		t.Errorf("the connection comes from %s, want %s", got, want)
	}
}

// wantReset checks that a connection to a port of loopback is reset.
func wantReset(t *testing.T, port uint16) {
	t.Helper()
	nettest.WantReset(t, net.Dialer{}, netip.AddrPortFrom(loopback, port).String())
}

func newPool(t *testing.T, p *dataconn.Pool) *dataconn.Pool {
	t.Helper()
	nettest.CheckLeaks(t)
	t.Cleanup(p.Close)
	return p
}

func TestOnlyTheHostThatReservedAPortCanConnect(t *testing.T) {
	p := newPool(t, new(dataconn.Pool))
	other := listen(t, p, netip.MustParseAddr("192.0.2.1"))
	wantReset(t, other.Port())
	mine := listen(t, p, loopback)
	if mine.IsConnected() {
		t.Error("IsConnected is true before the client has connected")
	}
	wantOpened(t, mine, dial(t, mine.Port()))
	if got := p.InUse(); got != 1 {
		t.Errorf("%d ports are in use, want that of the other host", got)
	}
}

// A TLS handshake that is interrupted closes the socket itself, so that must mean a reset by then.
func TestTheFirstConnectionIsResetByEveryKindOfClose(t *testing.T) {
	p := newPool(t, new(dataconn.Pool))
	opened := make(chan *dataconn.Conn, 1)
	l, err := p.Listen(loopback, loopback, patience, func(*dataconn.Passive, error) { _ = (<-opened).NetConn().Close() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	first := dial(t, l.Port())
	conn, err := l.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	opened <- conn
	wantReset(t, l.Port())
	if n, err := first.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, io.EOF) || os.IsTimeout(err) {
		t.Errorf("got %d bytes, %v, want a reset", n, err)
	}
}

func TestHostsSharePortsUnlessTheyAreExclusive(t *testing.T) {
	for _, exclusive := range []bool{false, true} {
		p := newPool(t, &dataconn.Pool{Ports: onePort(t), Exclusive: exclusive})
		listen(t, p, loopback)
		l, err := p.Listen(loopback, netip.MustParseAddr("192.0.2.1"), patience, nil)
		if l != nil {
			l.Close()
		}
		if (err != nil) != exclusive {
			t.Errorf("exclusive %v: the second host gets %v", exclusive, err)
		}
	}
}

func TestWithAnyClientAnyHostCanConnect(t *testing.T) {
	p := newPool(t, &dataconn.Pool{AnyClient: true})
	l := listen(t, p, netip.MustParseAddr("192.0.2.1"))
	wantOpened(t, l, dial(t, l.Port()))
	if other := listen(t, p, netip.MustParseAddr("192.0.2.2")); other.Port() == l.Port() {
		listen(t, p, loopback) // the first port is free again, because its client has connected
	}
}

// onePort returns a range of one port that was free a moment ago.
func onePort(t *testing.T) dataconn.PortRange {
	t.Helper()
	return portsInARow(t, 1)
}

// portsInARow returns n ports in a row that were free a moment ago.
func portsInARow(t *testing.T, n uint16) dataconn.PortRange {
	t.Helper()
	for range 1000 {
		first := freeAt(t, 0)
		port := first
		for port-first < n && port >= first && freeAt(t, port) == port {
			port++
		}
		if port-first == n {
			return dataconn.PortRange{First: first, Last: port - 1}
		}
	}
	t.Fatal("no ports in a row are free")
	panic("unreachable")
}

// freeAt returns port if it is free, else 0. For port 0 it returns any free port.
func freeAt(t *testing.T, port uint16) uint16 {
	t.Helper()
	ln, err := dataconn.Listen(netip.AddrPortFrom(loopback, port))
	if err != nil {
		return 0
	}
	defer ln.Close()
	return uint16(ln.Addr().(*net.TCPAddr).Port)
}

func TestAMappedPortIsAnnouncedByItsMappedNumber(t *testing.T) {
	free := onePort(t).First
	calls := 0
	p := newPool(t, &dataconn.Pool{Attempts: 2, Next: func() (announced, listened uint16, ok bool) {
		calls++
		return 4321, free, true
	}})
	l := listen(t, p, loopback)
	if l.Port() != 4321 {
		t.Errorf("port %d is announced, want 4321", l.Port())
	}
	wantOpened(t, l, dial(t, free))
	listen(t, p, loopback)
	if _, err := p.Listen(loopback, loopback, patience, nil); err == nil {
		t.Error("one port was reserved twice")
	}
	if calls > 6 {
		t.Errorf("Next was called %d times, want 6 at most", calls)
	}
}

func TestWrapIsCalledOnceForEachPort(t *testing.T) {
	wrapped := 0
	p := newPool(t, &dataconn.Pool{Ports: onePort(t), Wrap: func(ln net.Listener) (net.Listener, error) {
		wrapped++
		return ln, nil
	}})
	for range 3 {
		l := listen(t, p, loopback)
		wantOpened(t, l, dial(t, l.Port()))
		l.Close()
	}
	if wrapped != 1 {
		t.Errorf("wrapped %d times, want once", wrapped)
	}
	failure := errors.New("no")
	refusing := newPool(t, &dataconn.Pool{Wrap: func(net.Listener) (net.Listener, error) { return nil, failure }})
	if _, err := refusing.Listen(loopback, loopback, patience, nil); err != failure {
		t.Errorf("got %v, want the error of Wrap", err)
	}
}

func TestOpenEndsAtTheTimeoutOrWithTheContextOrTheSource(t *testing.T) {
	p := newPool(t, new(dataconn.Pool))
	short, err := p.Listen(loopback, loopback, time.Millisecond, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer short.Close()
	if _, err := short.Open(t.Context()); err != dataconn.ErrNoConn {
		t.Errorf("after the timeout: %v", err)
	}
	for name, end := range map[string]func(l *dataconn.Passive, cancel func()){
		"the context": func(_ *dataconn.Passive, cancel func()) { cancel() },
		"the source":  func(l *dataconn.Passive, _ func()) { l.Close() },
	} {
		l := listen(t, p, loopback)
		ctx, cancel := context.WithCancel(t.Context())
		opened := make(chan error, 1)
		go func() {
			_, err := l.Open(ctx)
			opened <- err
		}()
		end(l, cancel)
		if err := <-opened; err != net.ErrClosed {
			t.Errorf("after the end of %s: %v", name, err)
		}
		cancel()
	}
}

func TestActiveConnectionsComeFromTheGivenPort(t *testing.T) {
	nettest.CheckLeaks(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	from := onePort(t).First
	for range 2 { // the second one while the first is in TIME_WAIT
		to := netip.MustParseAddrPort(ln.Addr().String())
		a := dataconn.Dial(netip.AddrPortFrom(loopback, from), to, patience, nil)
		conn, err := a.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.NetConn().LocalAddr().(*net.TCPAddr).Port; got != int(from) {
			t.Errorf("it comes from port %d, want %d", got, from)
		}
		client, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
		if _, err := io.ReadAll(client); err != nil {
			t.Errorf("the client gets %v, want an orderly end", err)
		}
		_ = client.Close()
	}
	a := dataconn.Dial(netip.AddrPortFrom(loopback, 0), netip.MustParseAddrPort(ln.Addr().String()), patience, nil)
	a.Close()
	if _, err := a.Open(t.Context()); err == nil {
		t.Error("a closed source opens a connection")
	}
}

// gate is a listener that accepts nothing until open is closed: until then connections
// wait in the kernel's queue.
type gate struct {
	net.Listener
	open   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (g *gate) Accept() (net.Conn, error) {
	select {
	case <-g.open:
		return g.Listener.Accept()
	case <-g.closed:
		return nil, net.ErrClosed
	}
}

func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Listener.Close()
}

// SyscallConn returns the socket of the listener, through which the pool drains the queue.
func (g *gate) SyscallConn() (syscall.RawConn, error) {
	return g.Listener.(syscall.Conn).SyscallConn()
}

// wantEnd checks that conn was reset or closed without a byte.
func wantEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("read %d bytes, %v, want the end", n, err)
	}
}

// F11: connections in the kernel's queue outlived their reservation.
func TestAConnectionInTheQueueEndsWithItsReservation(t *testing.T) {
	for name, shared := range map[string]bool{"on a port of its own": false, "on a port that another host has reserved too": true} {
		t.Run(name, func(t *testing.T) {
			open := make(chan struct{})
			p := newPool(t, &dataconn.Pool{
				Ports: portsInARow(t, 2),
				Wrap: func(ln net.Listener) (net.Listener, error) {
					return &gate{Listener: ln, open: open, closed: make(chan struct{})}, nil
				},
			})
			l := listen(t, p, loopback)
			if shared {
				for range 2 { // both ports
					listen(t, p, netip.MustParseAddr("192.0.2.1"))
				}
			}
			stray := dial(t, l.Port())
			l.Close()
			next := listen(t, p, loopback)
			mine := dial(t, next.Port())
			close(open)
			wantOpened(t, next, mine)
			wantEnd(t, stray)
		})
	}
}

// Perl's Net::FTP connects before it reads the reply, and begins TLS. After a reset its
// next write would kill it by SIGPIPE.
func TestARefusedClientMayWriteAfterTheEnd(t *testing.T) {
	for _, tt := range []struct {
		name   string
		refuse func(t *testing.T, p *dataconn.Pool, accept func()) net.Conn
	}{
		{"if its connection was accepted", func(t *testing.T, p *dataconn.Pool, accept func()) net.Conn {
			accept()
			l := listen(t, p, loopback)
			conn := dial(t, l.Port())
			for !l.IsConnected() {
				runtime.Gosched()
			}
			l.Close()
			return conn
		}},
		{"if its connection is in the queue of a port that closes", func(t *testing.T, p *dataconn.Pool, accept func()) net.Conn {
			if runtime.GOOS != "linux" {
				t.Skip("drain has no implementation on this system")
			}
			l := listen(t, p, loopback)
			conn := dial(t, l.Port())
			l.Close()
			return conn
		}},
		{"if it connects late", func(t *testing.T, p *dataconn.Pool, accept func()) net.Conn {
			accept()
			l := listen(t, p, loopback)
			listen(t, p, netip.MustParseAddr("192.0.2.1")) // keeps the port open
			l.Close()
			return dial(t, l.Port())
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open := make(chan struct{})
			conn := tt.refuse(t, newPool(t, &dataconn.Pool{
				Ports: onePort(t),
				Wrap: func(ln net.Listener) (net.Listener, error) {
					return &gate{Listener: ln, open: open, closed: make(chan struct{})}, nil
				},
			}), func() { close(open) })
			if got, err := io.ReadAll(conn); len(got) != 0 || err != nil {
				t.Fatalf("read %q, %v, want the end", got, err)
			}
			for i := range 3 { // a reset in answer to one write fails the next
				if _, err := conn.Write([]byte("hello")); err != nil {
					t.Errorf("write %d: %v", i, err)
				}
			}
		})
	}
}

func TestAClientDoesNotGetAPortAgainThatItHasJustLeft(t *testing.T) {
	p := newPool(t, &dataconn.Pool{Ports: portsInARow(t, 3)})
	for range 3 {
		listen(t, p, netip.MustParseAddr("192.0.2.1")) // keeps the port open
	}
	l := listen(t, p, loopback)
	l.Close()
	wantReset(t, l.Port())
	for range 2 {
		if next := listen(t, p, loopback); next.Port() == l.Port() {
			t.Error("the port was given to it again")
		}
	}
	if next, err := p.Listen(loopback, loopback, patience, nil); err == nil {
		t.Errorf("port %d was given to it, want none", next.Port())
	}
	listen(t, p, netip.MustParseAddr("192.0.2.2"))
}

func TestAClientGetsTheOnlyPortAgainAfterLeavingIt(t *testing.T) {
	p := newPool(t, &dataconn.Pool{Ports: onePort(t)})
	for range 3 {
		listen(t, p, loopback).Close()
	}
	l := listen(t, p, loopback)
	wantOpened(t, l, dial(t, l.Port()))
}

// A port that is opened because a client has left all others is given to it, or closed.
func TestNoMoreThanSparePortsStayOpen(t *testing.T) {
	var p dataconn.Pool
	defer p.Close()
	listen(t, &p, loopback).Close()
	p.LeaveEverywhere(loopback, loopback)
	var all []*dataconn.Passive
	for range 3 * dataconn.SparePorts {
		l := listen(t, &p, loopback)
		wantOpened(t, l, dial(t, l.Port()))
		all = append(all, l)
	}
	for _, l := range all {
		l.Close()
	}
	if n := p.Opened(loopback); n > dataconn.SparePorts {
		t.Errorf("%d ports are open, want %d at most", n, dataconn.SparePorts)
	}
}

// Nobody knows which of two clients a stranger's connection to their port is for.
func TestAStrangerFailsOnlyTheOneClientThatIsAwaited(t *testing.T) {
	for _, tt := range []struct {
		name   string
		others []string // clients that the port waits for besides
		want   error
	}{
		{"one", nil, dataconn.ErrStranger},
		{"two", []string{"192.0.2.1"}, dataconn.ErrNoConn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			port := uint16(ln.Addr().(*net.TCPAddr).Port)
			_ = ln.Close()
			p := newPool(t, &dataconn.Pool{Ports: dataconn.PortRange{First: port, Last: port}})
			for _, other := range tt.others {
				listen(t, p, netip.MustParseAddr(other))
			}
			source, err := p.Listen(loopback, netip.MustParseAddr("192.0.2.2"), 50*time.Millisecond, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			wantReset(t, port)
			if _, err := source.Open(t.Context()); !errors.Is(err, tt.want) {
				t.Errorf("Open = %v, want %v", err, tt.want)
			}
		})
	}
}
