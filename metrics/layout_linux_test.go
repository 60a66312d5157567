package metrics

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

// tcpInfoNames are the kernel's names of the members of a tcpInfo.
var tcpInfoNames = map[string]string{
	"state": "tcpi_state", "caState": "tcpi_ca_state", "retransmits": "tcpi_retransmits", "probes": "tcpi_probes",
	"backoff": "tcpi_backoff", "options": "tcpi_options",
	"rto": "tcpi_rto", "ato": "tcpi_ato", "sndMSS": "tcpi_snd_mss", "rcvMSS": "tcpi_rcv_mss",
	"unacked": "tcpi_unacked", "sacked": "tcpi_sacked", "lost": "tcpi_lost", "retrans": "tcpi_retrans", "fackets": "tcpi_fackets",
	"lastDataSent": "tcpi_last_data_sent", "lastAckSent": "tcpi_last_ack_sent",
	"lastDataRecv": "tcpi_last_data_recv", "lastAckRecv": "tcpi_last_ack_recv",
	"pmtu": "tcpi_pmtu", "rcvSsthresh": "tcpi_rcv_ssthresh", "rtt": "tcpi_rtt", "rttvar": "tcpi_rttvar",
	"sndSsthresh": "tcpi_snd_ssthresh", "sndCwnd": "tcpi_snd_cwnd", "advMSS": "tcpi_advmss", "reordering": "tcpi_reordering",
	"rcvRTT": "tcpi_rcv_rtt", "rcvSpace": "tcpi_rcv_space", "totalRetrans": "tcpi_total_retrans",
	"pacingRate": "tcpi_pacing_rate", "maxPacingRate": "tcpi_max_pacing_rate",
	"bytesAcked": "tcpi_bytes_acked", "bytesReceived": "tcpi_bytes_received",
	"segsOut": "tcpi_segs_out", "segsIn": "tcpi_segs_in", "notsentBytes": "tcpi_notsent_bytes", "minRTT": "tcpi_min_rtt",
	"dataSegsIn": "tcpi_data_segs_in", "dataSegsOut": "tcpi_data_segs_out",
	"deliveryRate": "tcpi_delivery_rate", "busyTime": "tcpi_busy_time",
	"rwndLimited": "tcpi_rwnd_limited", "sndbufLimited": "tcpi_sndbuf_limited",
	"delivered": "tcpi_delivered", "deliveredCE": "tcpi_delivered_ce",
	"bytesSent": "tcpi_bytes_sent", "bytesRetrans": "tcpi_bytes_retrans",
	"dsackDups": "tcpi_dsack_dups", "reordSeen": "tcpi_reord_seen", "rcvOOOPack": "tcpi_rcv_ooopack",
	"sndWnd": "tcpi_snd_wnd", "rcvWnd": "tcpi_rcv_wnd", "rehash": "tcpi_rehash",
	"totalRTO": "tcpi_total_rto", "totalRTORecoveries": "tcpi_total_rto_recoveries", "totalRTOTime": "tcpi_total_rto_time",
}

func TestTCPInfoLayoutMatchesTheKernel(t *testing.T) {
	k := readKernelTypes(t)
	members := k.members(t, "tcp_info")
	ours := reflect.TypeFor[tcpInfo]()
	for i := range ours.NumField() {
		f := ours.Field(i)
		switch f.Name {
		case "windowScales", "flags": // hold bit fields
			continue
		}
		name, ok := tcpInfoNames[f.Name]
		if !ok {
			t.Errorf("%s: not in tcpInfoNames", f.Name)
		}
		m, ok := members[name]
		if !ok { // an older kernel
			t.Logf("this kernel has no %s", name)
			continue
		}
		if got, want := uint32(f.Offset*8), m.offset; got != want {
			t.Errorf("%s: got offset %d, want %d bits", name, got, want)
		}
		if got, want := uint32(f.Type.Size()*8), k.bits(m); got != want {
			t.Errorf("%s: got %d bits, want %d", name, got, want)
		}
	}
	flag, ok := members["tcpi_delivery_rate_app_limited"]
	if !ok {
		t.Fatal("this kernel has no tcpi_delivery_rate_app_limited")
	}
	if got, want := uint32(unsafe.Offsetof(tcpInfo{}.flags)), flag.offset/8; got != want {
		t.Errorf("flags: got byte %d, want %d", got, want)
	}
	if got, want := appLimitedBit, uint8(1)<<(flag.offset%8); got != want {
		t.Errorf("delivery_rate_app_limited: got bit %#x, want %#x", got, want)
	}
}

func TestDiagMessageLayoutMatchesTheKernel(t *testing.T) {
	k := readKernelTypes(t)
	for _, s := range []struct {
		name string
		want map[string]uint32 // offsets in bytes that parseDiag and diagRequest use
	}{
		{"inet_diag_msg", map[string]uint32{
			"idiag_family": 0, "idiag_state": 1, "id": 4, "idiag_expires": 52,
			"idiag_rqueue": 56, "idiag_wqueue": 60, "idiag_uid": 64, "idiag_inode": 68,
		}},
		{"inet_diag_sockid", map[string]uint32{
			"idiag_sport": 0, "idiag_dport": 2, "idiag_src": 4, "idiag_dst": 20, "idiag_if": 36, "idiag_cookie": 40,
		}},
		{"inet_diag_req_v2", map[string]uint32{
			"sdiag_family": 0, "sdiag_protocol": 1, "idiag_ext": 2, "idiag_states": 4, "id": 8,
		}},
		{"inet_diag_req", map[string]uint32{"idiag_ext": 3, "id": 4, "idiag_states": 52}},
		{"inet_diag_bc_op", map[string]uint32{"code": 0, "yes": 1, "no": 2}},
		{"nlmsghdr", map[string]uint32{"nlmsg_len": 0, "nlmsg_type": 4, "nlmsg_flags": 6, "nlmsg_seq": 8}},
		{"nlattr", map[string]uint32{"nla_len": 0, "nla_type": 2}},
		{"linux_dirent64", map[string]uint32{"d_reclen": 16, "d_name": 19}},
	} {
		t.Run(s.name, func(t *testing.T) {
			if strings.HasPrefix(s.name, "inet_diag") && !k.has(s.name) {
				t.Skip("inet_diag is a module on this kernel, so the kernel's BTF lacks its types")
			}
			members := k.members(t, s.name)
			for name, want := range s.want {
				m, ok := members[name]
				if !ok {
					t.Errorf("the kernel has no %s", name)
				}
				if kernel := m.offset / 8; want != kernel {
					t.Errorf("%s: got byte %d, want %d", name, want, kernel)
				}
			}
		})
	}
}
