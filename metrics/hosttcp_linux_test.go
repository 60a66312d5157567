package metrics

import (
	"net"
	"testing"

	"sluice/internal/nettest"
)

func TestParseTCPOfTheHost(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		ok       bool
		want     HostTCP
	}{
		{"two kinds", "IpExt: ListenDrops\nIpExt: 9\nTcpExt: SyncookiesSent ListenOverflows ListenDrops Other\nTcpExt: 1 22 333 4\n", true, HostTCP{22, 333}},
		{"names without numbers", "TcpExt: ListenOverflows ListenDrops\n", false, HostTCP{}},
		{"fewer numbers", "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1\n", false, HostTCP{}},
		{"no number", "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 x\n", false, HostTCP{}},
		{"another kind", "IpExt: ListenOverflows ListenDrops\nIpExt: 1 2\n", false, HostTCP{}},
		{"nothing", "", false, HostTCP{}},
	} {
		var got HostTCP
		if ok := got.parse([]byte(tt.in)); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%s: got %v and %+v, want %v and %+v", tt.name, ok, got, tt.ok, tt.want)
		}
	}
}

func TestAFullListenerOverflows(t *testing.T) {
	nettest.CheckLeaks(t)
	ln := listen(t)
	shortenQueue(t, ln)
	for range shortQueue + 1 {
		dial(t, ln)
	}
	before, err := Host{}.TCP()
	if err != nil {
		t.Fatal(err)
	}
	sendSYN(t, ln.Addr().(*net.TCPAddr))
	for {
		after, err := Host{}.TCP()
		if err != nil || after.ListenOverflows < before.ListenOverflows || after.ListenDrops < before.ListenDrops {
			t.Fatalf("got %+v and %v after %+v", after, err, before)
		}
		if after.ListenOverflows > before.ListenOverflows && after.ListenDrops > before.ListenDrops {
			break
		}
	}
}
