package metrics

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

func TestSampleOfAnIdleConnectionIsExact(t *testing.T) {
	nettest.CheckLeaks(t)
	server, client := nettest.Pair(t)
	const n = 123_456
	go func() { _, _ = io.Copy(server, io.LimitReader(zeros{}, n)) }()
	if _, err := io.CopyN(io.Discard, client, n); err != nil {
		t.Fatal(err)
	}
	s := newSocket(t, server)
	var got TCP
	for got.Acked < n { // the last acknowledgement is under way
		if err := s.Sample(&got); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name      string
		got, want uint64
	}{
		{"acked", got.Acked, n},
		{"sent without retransmissions", got.Sent - got.Retransmitted, n},
		{"in flight", got.InFlight, 0},
		{"not sent", got.NotSent, 0},
		{"received", got.Received, 0},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, tt.got, tt.want)
		}
	}
	const want = TCPRTT | TCPBusy | TCPRwndLimited | TCPSndbufLimited | TCPAcked | TCPSent | TCPCwnd | TCPMSS
	if !got.Have.Has(want) {
		t.Errorf("got fields %#x, want at least %#x", got.Have, want)
	}
	if got.Congestion == "" || got.RTT <= 0 || got.MSS == 0 || got.Cwnd == 0 {
		t.Errorf("got %+v, want values that are not zero", got)
	}
}

func TestSampleOfAListenerHasOnlyItsState(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t)
	s, err := NewSocket(ln)
	if err != nil {
		t.Fatal(err)
	}
	var got TCP
	if err := s.Sample(&got); err != nil {
		t.Fatal(err)
	}
	if got.State != Listen || got.Have != 0 {
		t.Errorf("got %v and fields %#x, want %v and none", got.State, got.Have, Listen)
	}
}

func TestASocketThatIsNotTCPIsUnsupported(t *testing.T) {
	nettest.CheckLeaks(t)
	ln, err := net.Listen("unix", filepath.Join(nettest.TempDir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s, err := NewSocket(ln.(*net.UnixListener))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Sample(new(TCP)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Sample: got %v, want errors.ErrUnsupported", err)
	}
	if _, err := s.Backlog(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Backlog: got %v, want errors.ErrUnsupported", err)
	}
}

// listen returns a listener without multipath TCP. The end of the test closes it.
func listen(t testing.TB) *net.TCPListener {
	t.Helper()
	return listenWith(t, false)
}

// listenMultipath returns a listener with multipath TCP, the default of package net.
func listenMultipath(t testing.TB) *net.TCPListener {
	t.Helper()
	return listenWith(t, true)
}

func listenWith(t testing.TB, multipath bool) *net.TCPListener {
	t.Helper()
	var lc net.ListenConfig
	lc.SetMultipathTCP(multipath)
	ln, err := lc.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln.(*net.TCPListener)
}

func TestBacklogOfMultipathTCPHasNoDrops(t *testing.T) {
	nettest.CheckLeaks(t)
	s, err := NewSocket(listenMultipath(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Backlog()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this kernel has no TCP_INFO for multipath TCP")
	}
	if err != nil || got.Limit == 0 {
		t.Fatalf("got %+v and %v, want a limit", got, err)
	}
	if got.HaveDrops && fileExists("/proc/sys/net/mptcp/enabled") {
		t.Errorf("got %+v, want no drops", got)
	}
}

// Linux counts each handshake that is deferred as a drop.
func TestTheBacklogOfAListenerThatDefersHasNoDrops(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t)
	s, err := NewSocket(ln)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := ln.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1)
	}); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	dial(t, ln)
	if got, err := s.Backlog(); err != nil || got.HaveDrops || got.Limit == 0 {
		t.Errorf("got %+v, %v, want a limit, and drops that are not known", got, err)
	}
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func TestBacklogCountsWaitingAndRefusedConnections(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t)
	shortenQueue(t, ln)
	s, err := NewSocket(ln)
	if err != nil {
		t.Fatal(err)
	}
	for want := range shortQueue + 1 { // the kernel queues one more than the limit
		got, err := s.Backlog()
		if err != nil {
			t.Fatal(err)
		}
		if got.Waiting != want || got.Limit != shortQueue || got.Drops != 0 || !got.HaveDrops {
			t.Fatalf("got %+v, want %d of %d waiting", got, want, shortQueue)
		}
		dial(t, ln)
	}
	sendSYN(t, ln.Addr().(*net.TCPAddr))
	for {
		got, err := s.Backlog()
		if err != nil {
			t.Fatal(err)
		}
		if got.Drops > 0 {
			break
		}
	}
}

// For a listener with multipath TCP, Connections lists the inner socket that counts
// the drops.
func TestConnectionsCountWaitingAndRefusedOfAListener(t *testing.T) {
	nettest.CheckLeaks(t)
	for name, listen := range map[string]func(testing.TB) *net.TCPListener{"plain": listen, "multipath": listenMultipath} {
		t.Run(name, func(t *testing.T) {
			ln := listen(t)
			shortenQueue(t, ln)
			row := func(f Filter) Connection {
				t.Helper()
				f.LocalPort, f.States = addrPort(ln.Addr()).Port(), States(Listen)
				all := rows(t, f)
				if len(all) != 1 || !all[0].Have.Has(ConnectionQueues) || all[0].SendQueue != shortQueue {
					t.Fatalf("got %+v, want one listener with room for %d", all, shortQueue)
				}
				return all[0]
			}
			for want := range uint32(shortQueue + 1) {
				if got := row(Filter{Drops: true}); got.RecvQueue != want || got.Drops != 0 || !got.Have.Has(ConnectionDrops) {
					t.Errorf("got %+v, want %d waiting and no drops", got, want)
				}
				dial(t, ln)
			}
			sendSYN(t, ln.Addr().(*net.TCPAddr))
			for row(Filter{Drops: true}).Drops == 0 { //nolint:revive // wait until the kernel has refused the connection
			}
			if got := row(Filter{TCP: true}); got.Have.Has(ConnectionDrops) || got.Drops != 0 {
				t.Errorf("without Filter.Drops: got %+v", got)
			}
		})
	}
	server, client := nettest.Pair(t)
	ends := []netip.AddrPort{addrPort(server.LocalAddr()), addrPort(client.LocalAddr())}
	for _, c := range rows(t, Filter{Drops: true, States: States(Established)}) {
		if slices.Contains(ends, c.Local) && (c.Have.Has(ConnectionDrops) || c.Drops != 0) {
			t.Errorf("a connection: got %+v, want no drops", c)
		}
	}
}

// shortQueue is the backlog of a listener after shortenQueue.
const shortQueue = 2

// shortenQueue calls listen(2) again, with a smaller backlog.
func shortenQueue(t *testing.T, ln *net.TCPListener) {
	t.Helper()
	raw, err := ln.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { _ = unix.Listen(int(fd), shortQueue) }); err != nil {
		t.Fatal(err)
	}
}

// dial connects to a listener. The end of the test closes the connection.
func dial(t *testing.T, ln *net.TCPListener) {
	t.Helper()
	c, err := net.DialTCP("tcp4", nil, ln.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
}

// sendSYN starts to connect and does not wait for the answer.
func sendSYN(t *testing.T, to *net.TCPAddr) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())})
	if !errors.Is(err, unix.EINPROGRESS) {
		t.Fatalf("connect: got %v, want %v", err, unix.EINPROGRESS)
	}
}

func TestBacklogOfAConnectionIsAnError(t *testing.T) {
	server, _ := nettest.Pair(t)
	if b, err := newSocket(t, server).Backlog(); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("got %+v and %v, want %v", b, err, syscall.EINVAL)
	}
}

func TestSampleAllocatesNothing(t *testing.T) {
	server, client := nettest.Pair(t)
	s := newSocket(t, server)
	var st TCP
	sample := func() {
		if err := s.Sample(&st); err != nil {
			t.Fatal(err)
		}
	}
	if got := testing.AllocsPerRun(100, sample); got != 0 {
		t.Errorf("idle: got %v allocations, want none", got)
	}
	nettest.SmallBuffers(t, server, 4096)
	nettest.SmallBuffers(t, client, 4096)
	done := make(chan struct{})
	go func() { _, _ = io.Copy(server, zeros{}); close(done) }()
	if got := testing.AllocsPerRun(100, sample); got != 0 {
		t.Errorf("while it sends: got %v allocations, want none", got)
	}
	_ = server.Close()
	<-done
}

func TestSampleWhileOtherGoroutinesSendAndClose(t *testing.T) {
	nettest.CheckLeaks(t)
	for range 20 {
		server, client := nettest.Pair(t)
		s := newSocket(t, server)
		var all sync.WaitGroup
		all.Go(func() { flood(server) })
		all.Go(func() { drain(client) })
		for range 2 {
			all.Go(func() {
				var st TCP
				for {
					if err := s.Sample(&st); err != nil {
						if !errors.Is(err, net.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		var st TCP
		for st.Acked < 1<<20 {
			if err := s.Sample(&st); err != nil {
				t.Fatal(err)
			}
		}
		_ = server.Close()
		_ = client.Close()
		all.Wait()
	}
}
