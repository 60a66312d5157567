package metrics

import (
	"net"
	"net/netip"
	"os"
	"testing"

	"sluice/internal/nettest"
)

// udpSockets returns a UDP socket that is only bound, and one that is connected to it.
// The end of the test closes them.
func udpSockets(t *testing.T) (bound, connected *net.UDPConn) {
	t.Helper()
	bound, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bound.Close() })
	connected, err = net.DialUDP("udp4", nil, bound.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connected.Close() })
	return bound, connected
}

func TestUDPSocketsMatchTheFilter(t *testing.T) {
	nettest.CheckLeaks(t)
	bound, connected := udpSockets(t)
	six, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = six.Close() })
	other := start(t, "idle").Process.Pid
	here, there, v6 := addrPort(bound.LocalAddr()), addrPort(connected.LocalAddr()), addrPort(six.LocalAddr())
	for _, tt := range []struct {
		name   string
		filter Filter
		want   []netip.AddrPort // local addresses, of the three
	}{
		{"all", Filter{}, []netip.AddrPort{here, there, v6}},
		{"of this process", Filter{PID: os.Getpid()}, []netip.AddrPort{here, there, v6}},
		{"of another process", Filter{PID: other}, nil},
		{"connected", Filter{States: States(Established)}, []netip.AddrPort{there}},
		{"not connected", Filter{States: States(Closed)}, []netip.AddrPort{here, v6}},
		{"a port", Filter{LocalPort: here.Port()}, []netip.AddrPort{here}},
		{"a port of IPv6", Filter{LocalPort: v6.Port()}, []netip.AddrPort{v6}},
	} {
		tt.filter.Protocol = ProtocolUDP
		got := make(map[netip.AddrPort]Connection)
		for _, c := range rows(t, tt.filter) {
			if tt.filter.LocalPort != 0 && c.Local.Port() != tt.filter.LocalPort || c.Protocol != ProtocolUDP {
				t.Errorf("%s: got %+v", tt.name, c)
			}
			got[c.Local] = c
		}
		found := 0
		for _, local := range []netip.AddrPort{here, there, v6} {
			if _, ok := got[local]; ok {
				found++
			}
		}
		for _, local := range tt.want {
			if _, ok := got[local]; !ok || found != len(tt.want) {
				t.Errorf("%s: got %d of ours with %v: %v, want %d", tt.name, found, local, ok, len(tt.want))
			}
		}
	}
}

func TestUDPSocketsReportTheirQueueAndDrops(t *testing.T) {
	nettest.CheckLeaks(t)
	bound, connected := udpSockets(t)
	if err := bound.SetReadBuffer(1); err != nil { // the kernel takes its smallest
		t.Fatal(err)
	}
	row := func() Connection {
		t.Helper()
		all := rows(t, Filter{Protocol: ProtocolUDP, LocalPort: addrPort(bound.LocalAddr()).Port(), Drops: true, Owner: true})
		if len(all) != 1 || !all[0].Have.Has(ConnectionQueues|ConnectionDrops|ConnectionUID|ConnectionPID) {
			t.Fatalf("got %+v, want one socket with all fields", all)
		}
		return all[0]
	}
	if got := row(); got.RecvQueue != 0 || got.Drops != 0 || got.State != Closed || got.Remote.Port() != 0 || got.PID != os.Getpid() || got.UID != uint32(os.Getuid()) {
		t.Errorf("a new socket: got %+v", got)
	}
	for row().Drops == 0 {
		if _, err := connected.Write(make([]byte, 500)); err != nil {
			t.Fatal(err)
		}
	}
	if got := row(); got.RecvQueue < 500 {
		t.Errorf("a full socket: got %+v, want a queue", got)
	}
	all := rows(t, Filter{Protocol: ProtocolUDP, LocalPort: addrPort(connected.LocalAddr()).Port(), TCP: true})
	if len(all) != 1 || all[0].Remote != addrPort(bound.LocalAddr()) || all[0].State != Established || all[0].Have.Has(ConnectionTCP) || all[0].Have.Has(ConnectionDrops) {
		t.Errorf("the connected socket: got %+v", all)
	}
}
