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
				Have: metrics.TCPRTO | metrics.TCPRTT | metrics.TCPCwnd | metrics.TCPDeliveryRate | metrics.TCPAppLimited | metrics.TCPBusy | metrics.TCPRwndLimited,
				At:   time.Unix(1e9, 0), RTO: 204 * time.Millisecond, RTT: 1500 * time.Microsecond, RTTVar: 20 * time.Microsecond, Cwnd: 10,
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
		`       rto:204 rtt:1.5/0.02 cwnd:10 delivery_rate:1.00Gbps busy:4000ms rwnd_limited:1000ms(25.0%) limited by: receiver`,
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

func TestSocketRowsAsJSON(t *testing.T) {
	got, err := json.Marshal(SocketRows(fixedSockets()))
	if err != nil {
		t.Fatal(err)
	}
	want := `[` +
		`{"protocol":"tcp6","local":"[::]:21","state":"LISTEN","recv_queue":2,"send_queue":4096,"drops":3,"pid":7,"program":"a\u001b[2J"},` +
		`{"protocol":"tcp","local":"192.0.2.1:80","remote":"198.51.100.2:5000","state":"ESTABLISHED","recv_queue":0,"send_queue":700,"uid":1000,"inode":12,"pid":4711,"program":"sluice","cause":"receiver",` +
		`"tcp":{"at":"2001-09-09T01:46:40Z","rtt_seconds":0.0015,"rttvar_seconds":0.00002,"rto_seconds":0.204,"cwnd_segments":10,"delivery_bytes_per_second":125000000,"delivery_app_limited":false,"busy_seconds":4,"rwnd_limited_seconds":1}},` +
		`{"protocol":"tcp6","local":"[2001:db8::1]:80","remote":"[2001:db8::2]:5001","state":"TIME_WAIT"}` +
		`]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if empty, _ := json.Marshal(SocketRows(nil)); string(empty) != "[]" {
		t.Errorf("no sockets are %s, want []", empty)
	}
}
