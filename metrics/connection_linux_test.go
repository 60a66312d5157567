package metrics

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

func addrPort(a net.Addr) netip.AddrPort {
	p := a.(interface{ AddrPort() netip.AddrPort }).AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// rows returns copies of the connections that match f.
func rows(t testing.TB, f Filter) []Connection {
	t.Helper()
	var all []Connection
	for c, err := range (Host{}).Connections(f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *c)
	}
	return all
}

// find returns the connection with these addresses.
func find(t testing.TB, all []Connection, local, remote netip.AddrPort) (Connection, bool) {
	t.Helper()
	i := slices.IndexFunc(all, func(c Connection) bool { return c.Local == local && c.Remote == remote })
	if i < 0 {
		return Connection{}, false
	}
	return all[i], true
}

func TestConnectionsMatchTheFilter(t *testing.T) {
	nettest.CheckLeaks(t)
	server, client := nettest.Pair(t)
	local, remote := addrPort(server.LocalAddr()), addrPort(server.RemoteAddr())
	ln := listen(t)
	listening := addrPort(ln.Addr())
	any4 := netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	idle := start(t, "idle").Process.Pid

	for _, tt := range []struct {
		name   string
		filter Filter
		// Whether the result has the server's end, the client's end and the listener.
		server, client, listener bool
	}{
		{"all", Filter{}, true, true, true},
		{"a state", Filter{States: States(Established)}, true, true, false},
		{"two states", Filter{States: States(Established, Listen)}, true, true, true},
		{"another state", Filter{States: States(SynSent)}, false, false, false},
		{"the server's port", Filter{LocalPort: local.Port()}, true, false, false},
		{"the client's port", Filter{LocalPort: remote.Port()}, false, true, false},
		{"the listener's port", Filter{LocalPort: listening.Port()}, false, false, true},
		{"a port with a state that its socket does not have", Filter{LocalPort: local.Port(), States: States(Listen)}, false, false, false},
		{"this process", Filter{PID: os.Getpid()}, true, true, true},
		{"another process", Filter{PID: idle}, false, false, false},
		{"with TCP", Filter{TCP: true}, true, true, true},
		{"with owner", Filter{Owner: true}, true, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := rows(t, tt.filter)
			for _, end := range []struct {
				name          string
				local, remote netip.AddrPort
				state         TCPState
				want          bool
			}{
				{"server", local, remote, Established, tt.server},
				{"client", remote, local, Established, tt.client},
				{"listener", listening, any4, Listen, tt.listener},
			} {
				c, ok := find(t, all, end.local, end.remote)
				if ok != end.want {
					t.Errorf("%s: got %v, want %v", end.name, ok, end.want)
				}
				if !ok {
					continue
				}
				if c.State != end.state {
					t.Errorf("%s: got %v, want %v", end.name, c.State, end.state)
				}
				if !c.Have.Has(ConnectionUID|ConnectionInode|ConnectionCookie) || c.UID != uint32(os.Getuid()) || c.Inode == 0 || c.Cookie == 0 {
					t.Errorf("%s: got %+v, want user %d, an inode and a cookie", end.name, c, os.Getuid())
				}
				wantPID := tt.filter.Owner || tt.filter.PID != 0
				if c.Have.Has(ConnectionPID) != wantPID || wantPID && c.PID != os.Getpid() {
					t.Errorf("%s: got PID %d (%v), want %v", end.name, c.PID, c.Have.Has(ConnectionPID), wantPID)
				}
				if want := tt.filter.TCP && end.state == Established; c.Have.Has(ConnectionTCP) != want || want && c.TCP.RTT == 0 {
					t.Errorf("%s: got TCP %+v, want %v", end.name, c.TCP, want)
				}
			}
		})
	}
	_ = client
}

func TestConnectionsAgreeWithTheSocket(t *testing.T) {
	nettest.CheckLeaks(t)
	server, client := nettest.Pair(t)
	const n = 54_321
	if _, err := io.CopyN(server, zeros{}, n); err != nil {
		t.Fatal(err)
	}
	s := newSocket(t, server)
	local, remote := addrPort(server.LocalAddr()), addrPort(server.RemoteAddr())
	sample := func() (st TCP) {
		if err := s.Sample(&st); err != nil {
			t.Fatal(err)
		}
		st.At, st.SendBufferFull, st.Have = time.Time{}, false, st.Have&^TCPSendBufferFull
		return st
	}
	var all []Connection
	before, after := TCP{}, sample()
	for before != after || after.Acked < n { // until nothing has changed during the list
		before = sample()
		all = rows(t, Filter{TCP: true})
		after = sample()
	}
	c, ok := find(t, all, local, remote)
	if !ok {
		t.Fatal("the server's end is missing")
	}
	if c.TCP.At = (time.Time{}); c.TCP != after {
		t.Errorf("an idle connection, by Connections and by Sample:\n%+v\n%+v", c.TCP, after)
	}
	if peer, _ := find(t, all, remote, local); peer.RecvQueue != n {
		t.Errorf("the client's end: got %d bytes to read, want %d", peer.RecvQueue, n)
	}
	_ = client
}

func TestConnectionsOverIPv6(t *testing.T) {
	nettest.CheckLeaks(t)
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skip("no IPv6 here:", err)
	}
	defer ln.Close()
	want := ln.Addr().(*net.TCPAddr).AddrPort()
	all := rows(t, Filter{LocalPort: want.Port(), States: States(Listen)})
	if len(all) != 1 || all[0].Local != want || all[0].Remote.Addr() != netip.IPv6Unspecified() {
		t.Errorf("got %+v, want one listener at %v", all, want)
	}
}

func TestConnectionsStopWhenTheLoopBreaks(t *testing.T) {
	nettest.CheckLeaks(t)
	nettest.Pair(t)
	for range 3 {
		n := 0
		for _, err := range (Host{}).Connections(Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			break
		}
		if n != 1 {
			t.Errorf("got %d rows, want 1", n)
		}
	}
}

func TestConnectionsOfAMissingProcess(t *testing.T) {
	for _, err := range (Host{}).Connections(Filter{PID: 1 << 30}) {
		if !errors.Is(err, ErrNoProcess) {
			t.Errorf("got %v, want ErrNoProcess", err)
		}
		return
	}
	t.Error("got no error")
}

func TestConnectionsAllocateNothingPerSocket(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	allocs := func() float64 {
		return testing.AllocsPerRun(3, func() {
			for _, err := range (Host{}).Connections(Filter{TCP: true, States: States(Established)}) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	before := allocs()
	for range 100 {
		server, _ := nettest.Pair(t)
		setCongestion(t, server, "reno") // package loopback does so, whatever the clients have
	}
	var names []string // sockets of other processes may have more
	for _, c := range rows(t, Filter{TCP: true, States: States(Established)}) {
		if !slices.Contains(names, c.TCP.Congestion) {
			names = append(names, c.TCP.Congestion)
		}
	}
	if !slices.Contains(names, "reno") {
		t.Errorf("the congestion control algorithms are %q, want reno too", names)
	}
	// Each name takes one allocation, and at times one more for the list of them.
	if after, most := allocs(), before+float64(2*len(names)); after > most {
		t.Errorf("with 200 connections more: got %v allocations, %v before, want at most %v", after, before, most)
	}
}

func setCongestion(t *testing.T, c *net.TCPConn, name string) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	ctlErr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
	})
	if ctlErr != nil || err != nil {
		t.Fatal(ctlErr, err)
	}
}

func TestConnectionsWhileTheyComeAndGo(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t)
	var all sync.WaitGroup
	stop := make(chan struct{})
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	})
	for range 2 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if c, err := net.Dial("tcp4", ln.Addr().String()); err == nil {
					_ = c.(*net.TCPConn).SetLinger(0) // leaves no socket in TIME_WAIT
					_ = c.Close()
				}
			}
		})
	}
	for range 10 {
		all.Go(func() {
			seen := make(map[uint64]int)
			for c, err := range (Host{}).Connections(Filter{TCP: true}) {
				if err != nil {
					t.Error(err)
					return
				}
				seen[c.Cookie]++
			}
			if len(seen) == 0 {
				t.Error("got no connections, want the listener at least")
			}
		})
	}
	for range 2 {
		for c, err := range (Host{}).Connections(Filter{Owner: true, LocalPort: addrPort(ln.Addr()).Port(), States: States(Listen)}) {
			if err != nil || c.PID != os.Getpid() {
				t.Errorf("got %+v and %v, want PID %d", c, err, os.Getpid())
			}
		}
	}
	close(stop)
	_ = ln.Close()
	all.Wait()
}

func TestPeerIsThisProcess(t *testing.T) {
	nettest.CheckLeaks(t)
	for _, network := range []string{"tcp4", "tcp"} { // "tcp" makes an IPv6 socket that accepts IPv4
		t.Run(network, func(t *testing.T) {
			ln, err := net.Listen(network, ":0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), ln.Addr().(*net.TCPAddr).AddrPort().Port())
			client, err := net.Dial("tcp4", to.String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			server, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			for _, end := range []net.Conn{server, client} {
				local, remote := end.LocalAddr().(*net.TCPAddr).AddrPort(), end.RemoteAddr().(*net.TCPAddr).AddrPort()
				p, err := Host{}.Peer(local, remote)
				if err != nil {
					t.Fatal(err)
				}
				if unmapped(p.Local) != unmapped(remote) || unmapped(p.Remote) != unmapped(local) {
					t.Errorf("got %v to %v, want %v to %v", p.Local, p.Remote, remote, local)
				}
				if p.PID != os.Getpid() || !p.Have.Has(ConnectionPID|ConnectionUID|ConnectionTCP) || p.UID != uint32(os.Getuid()) || p.TCP.RTT == 0 {
					t.Errorf("got %+v, want process %d of user %d", p, os.Getpid(), os.Getuid())
				}
			}
		})
	}
}

func TestPeersFindsManyAtOnce(t *testing.T) {
	nettest.CheckLeaks(t)
	var ends []Ends
	for range 20 {
		server, client := nettest.Pair(t)
		defer client.Close()
		ends = append(ends,
			Ends{addrPort(server.LocalAddr()), addrPort(server.RemoteAddr())},
			Ends{addrPort(server.LocalAddr()), netip.MustParseAddrPort("127.0.0.1:1")}, // no such socket
		)
	}
	peers, err := Host{}.Peers(ends)
	if err != nil || len(peers) != len(ends) {
		t.Fatalf("got %d peers and %v, want %d", len(peers), err, len(ends))
	}
	for i, p := range peers {
		exists := i%2 == 0
		if exists && (unmapped(p.Local) != ends[i].Remote || unmapped(p.Remote) != ends[i].Local || p.PID != os.Getpid()) {
			t.Errorf("of %v: got %+v, want this process", ends[i], p)
		}
		if !exists && p.Have != 0 {
			t.Errorf("of %v: got %+v, want nothing", ends[i], p)
		}
	}
	if peers, err := (Host{}).Peers(nil); err != nil || len(peers) > 0 {
		t.Errorf("of none: got %d and %v", len(peers), err)
	}
}

func TestPeerOnAnotherHostIsErrNoPeer(t *testing.T) {
	ln := listen(t)
	here := addrPort(ln.Addr())
	for _, remote := range []string{"192.0.2.1:12345", "127.0.0.1:1", "[2001:db8::1]:80", "[fe80::1%nothing]:80"} {
		if p, err := (Host{}).Peer(here, netip.MustParseAddrPort(remote)); !errors.Is(err, ErrNoPeer) {
			t.Errorf("%s: got %+v and %v, want ErrNoPeer", remote, p, err)
		}
	}
	// The other way round: the listener has no connection from that address.
	if p, err := (Host{}).Peer(netip.MustParseAddrPort("192.0.2.1:12345"), here); !errors.Is(err, ErrNoPeer) {
		t.Errorf("got %+v and %v, want ErrNoPeer", p, err)
	}
}
