package metrics

import (
	"reflect"
	"testing"
	"time"
	"unsafe"
)

// filled returns a tcpInfo in which each value is measured and none is 0.
func filled() tcpInfo {
	var i tcpInfo
	b := (*[tcpInfoSize]byte)(unsafe.Pointer(&i))
	for n := range b {
		b[n] = 1
	}
	i.flags = appLimitedBit
	i.bytesSent = 3 * i.bytesAcked // so that InFlight is not 0
	return i
}

func bytesOf(i *tcpInfo) []byte { return (*[tcpInfoSize]byte)(unsafe.Pointer(i))[:] }

// fieldsOfTCP maps each field of TCP to its bit in Have.
var fieldsOfTCP = map[string]TCPFields{
	"Busy": TCPBusy, "RwndLimited": TCPRwndLimited, "SndbufLimited": TCPSndbufLimited, "AppLimited": TCPAppLimited,
	"DeliveryRate": TCPDeliveryRate, "NotSent": TCPNotSent, "RTT": TCPRTT, "RTTVar": TCPRTT, "MinRTT": TCPMinRTT,
	"RTO": TCPRTO, "Cwnd": TCPCwnd, "Ssthresh": TCPSsthresh, "MSS": TCPMSS, "PacingRate": TCPPacingRate,
	"SendWindow": TCPSendWindow, "Lost": TCPLost, "Retransmits": TCPRetransmits, "Retransmitted": TCPRetransmitted,
	"Reordered": TCPReordered, "DuplicateSACKs": TCPDuplicateSACKs, "Timeouts": TCPTimeouts, "Sent": TCPSent,
	"Acked": TCPAcked, "InFlight": TCPInFlight, "Received": TCPReceived, "RecvRTT": TCPRecvRTT, "RecvSpace": TCPRecvSpace,
	"RecvSsthresh": TCPRecvSsthresh, "RecvWindow": TCPRecvWindow, "RecvReordered": TCPRecvReordered,
}

func TestTCPInfoOfAnyLengthHasOnlyWhatItHolds(t *testing.T) {
	full := filled()
	newer := append(append([]byte(nil), bytesOf(&full)...), make([]byte, 50)...)
	ends := map[int]bool{0: true} // lengths that end with a whole member, as kernels return
	for _, m := range tcpMembers {
		ends[int(m.end)] = true
	}
	var before TCPFields
	for n := range len(newer) + 1 {
		info := filled() // values of an earlier socket, which must not remain
		var got TCP
		info.decode(&got, tcpFieldsIn(info.fill(newer[:n])))

		if got.Have&before != before {
			t.Fatalf("%d bytes have the fields %#x, one byte less had %#x", n, got.Have, before)
		}
		before = got.Have
		v := reflect.ValueOf(got)
		for name, bit := range fieldsOfTCP {
			switch f := v.FieldByName(name); {
			case got.Have.Has(bit) && f.IsZero():
				t.Errorf("%d bytes: %s is present but 0", n, name)
			case ends[n] && !got.Have.Has(bit) && !f.IsZero():
				t.Errorf("%d bytes: %s is absent but %v", n, name, f)
			}
		}
	}
	if want := allTCPInfoFields; before != want {
		t.Errorf("a complete tcpInfo has the fields %#x, want all, %#x", before, want)
	}
}

func TestUnitsOfTCP(t *testing.T) {
	info := tcpInfo{
		state: 1, rtt: 1500, rttvar: 300, minRTT: 1000, rto: 204_000, busyTime: 2_000_000, rwndLimited: 1_000_000,
		bytesSent: 1000, bytesRetrans: 100, bytesAcked: 601, deliveryRate: 5, flags: appLimitedBit,
	}
	var got TCP
	info.decode(&got, tcpFieldsIn(tcpInfoSize))
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"state", got.State, Established},
		{"rtt", got.RTT, 1500 * time.Microsecond},
		{"rttvar", got.RTTVar, 300 * time.Microsecond},
		{"least rtt", got.MinRTT, time.Millisecond},
		{"rto", got.RTO, 204 * time.Millisecond},
		{"busy", got.Busy, 2 * time.Second},
		{"receiver", got.RwndLimited, time.Second},
		{"in flight", got.InFlight, uint64(299)},
		{"limited by the application", got.AppLimited, true},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestPlaceholdersOfTheKernelAreAbsent(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*tcpInfo)
		want   TCPFields // the absent fields
	}{
		{"no round trip yet", func(i *tcpInfo) { i.rtt = 0 }, TCPRTT},
		{"no least round trip yet", func(i *tcpInfo) { i.minRTT = ^uint32(0) }, TCPMinRTT},
		{"nothing received yet", func(i *tcpInfo) { i.rcvRTT = 0 }, TCPRecvRTT},
		{"no loss yet", func(i *tcpInfo) { i.sndSsthresh = 0x7fffffff }, TCPSsthresh},
		{"no pacing", func(i *tcpInfo) { i.pacingRate = ^uint64(0) }, TCPPacingRate},
		{"nothing delivered yet", func(i *tcpInfo) { i.deliveryRate = 0 }, TCPDeliveryRate | TCPAppLimited},
		{"a listener", func(i *tcpInfo) { i.state = uint8(Listen) }, allTCPInfoFields},
		{"a SYN counted as acknowledged", func(i *tcpInfo) { i.bytesSent, i.bytesRetrans, i.bytesAcked = 10, 0, 11 }, 0},
	} {
		info := filled()
		tt.change(&info)
		var got TCP
		info.decode(&got, tcpFieldsIn(tcpInfoSize))
		if absent := ^got.Have & allTCPInfoFields; absent != tt.want {
			t.Errorf("%s: got %#x absent, want %#x", tt.name, absent, tt.want)
		}
		v := reflect.ValueOf(got)
		for name, bit := range fieldsOfTCP {
			if f := v.FieldByName(name); !got.Have.Has(bit) && !f.IsZero() {
				t.Errorf("%s: %s is absent but %v", tt.name, name, f)
			}
		}
		if got.InFlight > 1<<62 {
			t.Errorf("%s: %d bytes in flight", tt.name, got.InFlight)
		}
	}
}
