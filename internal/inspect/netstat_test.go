package inspect

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/metrics"
)

func fixedSockets() []Socket {
	at := netip.MustParseAddrPort
	return []Socket{
		{Connection: metrics.Connection{
			Local: at("[::]:21"), Remote: at("[::]:0"), State: metrics.Listen, RecvQueue: 2, SendQueue: 4096, Drops: 3, PID: 7,
			Have: metrics.ConnectionQueues | metrics.ConnectionDrops | metrics.ConnectionPID,
		}, Program: "a\x1b[2J"},
		{Connection: metrics.Connection{
			Local: at("192.0.2.1:80"), Remote: at("198.51.100.2:5000"), State: metrics.Established, UID: 1000, Inode: 12, RecvQueue: 0, SendQueue: 700, PID: 4711,
			Have: metrics.ConnectionQueues | metrics.ConnectionPID | metrics.ConnectionUID | metrics.ConnectionInode | metrics.ConnectionTCP,
			TCP: metrics.TCP{
				Have: metrics.TCPRTO | metrics.TCPRTT | metrics.TCPCwnd | metrics.TCPDeliveryRate | metrics.TCPAppLimited | metrics.TCPBusy | metrics.TCPRwndLimited | metrics.TCPSegments,
				At:   time.Unix(1e9, 0), RTO: 204 * time.Millisecond, RTT: 1500 * time.Microsecond, RTTVar: 20 * time.Microsecond, Cwnd: 10, Congestion: "cubic", SegmentsSent: 8, SegmentsReceived: 9,
				DeliveryRate: 125_000_000, Busy: 4 * time.Second, RwndLimited: time.Second,
			},
		}, Program: "sluice", Cause: metrics.CauseReceiver},
		{Connection: metrics.Connection{Local: at("[2001:db8::1]:80"), Remote: at("[2001:db8::2]:5001"), State: metrics.TimeWait}}, // on a system that reports little
	}
}

func TestSocketTable(t *testing.T) {
	want := strings.Join([]string{
		`Proto  Recv-Q  Send-Q  Local address     Remote address      State         PID  Program`,
		`tcp6        2    4096  [::]:21           *:*                 LISTEN          7  a\x1b[2J`,
		`tcp         0     700  192.0.2.1:80      198.51.100.2:5000   ESTABLISHED  4711  sluice`,
		`       cubic rto:204 rtt:1.5/0.02 cwnd:10 segs_out:8 segs_in:9 delivery_rate:1.00Gbps busy:4000ms rwnd_limited:1000ms(25.0%) limited by: receiver`,
		`tcp6        -       -  [2001:db8::1]:80  [2001:db8::2]:5001  TIME_WAIT       -  -`,
		``,
	}, "\n")
	if diff := cmp.Diff(want, SocketTable(fixedSockets(), metrics.Filter{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want = strings.Join([]string{
		`Proto  Recv-Q  Send-Q  Drops  Local address     Remote address      State      PID  Program`,
		`tcp6        2    4096      3  [::]:21           *:*                 LISTEN       7  a\x1b[2J`,
		`tcp6        -       -      -  [2001:db8::1]:80  [2001:db8::2]:5001  TIME_WAIT    -  -`,
		``,
	}, "\n")
	if diff := cmp.Diff(want, SocketTable(slices.Delete(fixedSockets(), 1, 2), metrics.Filter{Drops: true})); diff != "" {
		t.Errorf("with drops (-want +got)\n%s", diff)
	}
}

func fixedUDPSockets() []Socket {
	at := netip.MustParseAddrPort
	return []Socket{
		{Connection: metrics.Connection{
			Protocol: metrics.ProtocolUDP, Local: at("0.0.0.0:53"), Remote: at("0.0.0.0:0"), State: metrics.Closed, RecvQueue: 768, Drops: 5, PID: 7,
			Have: metrics.ConnectionQueues | metrics.ConnectionDrops | metrics.ConnectionPID,
		}, Program: "dns"},
		{Connection: metrics.Connection{
			Protocol: metrics.ProtocolUDP, Local: at("[2001:db8::1]:443"), Remote: at("[2001:db8::2]:5001"), State: metrics.Established,
		}},
	}
}

func fixedUnixSockets() []UnixSocket {
	return []UnixSocket{
		{metrics.UnixSocket{
			Path: "/run/a\x1b[2J", Type: metrics.UnixStream, State: metrics.Listen, Inode: 11, UID: 1000, RecvQueue: 1, SendQueue: 4096, PID: 7,
			Have: metrics.UnixUID | metrics.UnixQueues | metrics.UnixPID,
		}, "server"},
		{metrics.UnixSocket{Type: metrics.UnixSeqpacket, State: metrics.Established, Inode: 12, Peer: 13, Have: metrics.UnixPeer}, ""},
		{metrics.UnixSocket{Type: metrics.UnixDatagram, State: metrics.Closed, Inode: 14}, ""},
	}
}

func TestTablesOfOtherSockets(t *testing.T) {
	want := strings.Join([]string{
		`Proto  Recv-Q  Send-Q  Drops  Local address      Remote address      State        PID  Program`,
		`udp       768       0      5  0.0.0.0:53         *:*                 -              7  dns`,
		`udp6        -       -      -  [2001:db8::1]:443  [2001:db8::2]:5001  ESTABLISHED    -  -`,
		``,
	}, "\n")
	if diff := cmp.Diff(want, SocketTable(fixedUDPSockets(), metrics.Filter{Drops: true})); diff != "" {
		t.Errorf("UDP (-want +got)\n%s", diff)
	}
	want = strings.Join([]string{
		`Proto  Type       Recv-Q  Send-Q  State        Inode  Peer  PID  Program  Path`,
		`unix   stream          1    4096  LISTEN          11     -    7  server   /run/a\x1b[2J`,
		`unix   seqpacket       -       -  ESTABLISHED     12    13    -  -        -`,
		`unix   dgram           -       -  -               14     -    -  -        -`,
		``,
	}, "\n")
	if diff := cmp.Diff(want, UnixTable(fixedUnixSockets())); diff != "" {
		t.Errorf("unix (-want +got)\n%s", diff)
	}
}

func TestRowsOfOtherSocketsAsJSON(t *testing.T) {
	got, err := json.Marshal(append(SocketRows(fixedUDPSockets()), UnixRows(fixedUnixSockets())...))
	if err != nil {
		t.Fatal(err)
	}
	want := `[` +
		`{"protocol":"udp","local":"0.0.0.0:53","recv_queue":768,"send_queue":0,"drops":5,"pid":7,"program":"dns"},` +
		`{"protocol":"udp6","local":"[2001:db8::1]:443","remote":"[2001:db8::2]:5001","state":"ESTABLISHED"},` +
		`{"protocol":"unix","state":"LISTEN","type":"stream","path":"/run/a\u001b[2J","recv_queue":1,"send_queue":4096,"uid":1000,"inode":11,"pid":7,"program":"server"},` +
		`{"protocol":"unix","state":"ESTABLISHED","type":"seqpacket","peer_inode":13,"inode":12},` +
		`{"protocol":"unix","type":"dgram","inode":14}` +
		`]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSocketRowsAsJSON(t *testing.T) {
	got, err := json.Marshal(SocketRows(fixedSockets()))
	if err != nil {
		t.Fatal(err)
	}
	want := `[` +
		`{"protocol":"tcp6","local":"[::]:21","state":"LISTEN","recv_queue":2,"send_queue":4096,"drops":3,"pid":7,"program":"a\u001b[2J"},` +
		`{"protocol":"tcp","local":"192.0.2.1:80","remote":"198.51.100.2:5000","state":"ESTABLISHED","recv_queue":0,"send_queue":700,"uid":1000,"inode":12,"pid":4711,"program":"sluice","cause":"receiver",` +
		`"tcp":{"at":"2001-09-09T01:46:40Z","congestion":"cubic","rtt_seconds":0.0015,"rttvar_seconds":0.00002,"rto_seconds":0.204,"cwnd_segments":10,"delivery_bytes_per_second":125000000,"delivery_app_limited":false,"sent_segments":8,"received_segments":9,"busy_seconds":4,"rwnd_limited_seconds":1}},` +
		`{"protocol":"tcp6","local":"[2001:db8::1]:80","remote":"[2001:db8::2]:5001","state":"TIME_WAIT"}` +
		`]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if empty, _ := json.Marshal(SocketRows(nil)); string(empty) != "[]" {
		t.Errorf("no sockets are %s, want []", empty)
	}
}
