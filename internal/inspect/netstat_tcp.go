package inspect

import (
	"fmt"
	"strings"
	"time"

	"sluice/internal/show"
	"sluice/metrics"
)

// withDetails inserts the TCP figures of each connection below its line.
func withDetails(table string, all []Socket) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(table, "\n"), "\n") {
		b.WriteString(line + "\n")
		if i == 0 { // the titles
			continue
		}
		if text := details(&all[i-1]); text != "" {
			b.WriteString("       " + text + "\n")
		}
	}
	return b.String()
}

// tcpItems are the figures of a connection in the names and the order of ss(8).
var tcpItems = []struct {
	field metrics.TCPFields // 0: not in Have
	text  func(t *metrics.TCP) string
}{
	{0, func(t *metrics.TCP) string { return show.Plain(t.Congestion) }},
	{metrics.TCPRTO, func(t *metrics.TCP) string { return "rto:" + ms(t.RTO) }},
	{metrics.TCPRTT, func(t *metrics.TCP) string { return "rtt:" + ms(t.RTT) + "/" + ms(t.RTTVar) }},
	{metrics.TCPMSS, func(t *metrics.TCP) string { return fmt.Sprintf("mss:%d", t.MSS) }},
	{metrics.TCPCwnd, func(t *metrics.TCP) string { return fmt.Sprintf("cwnd:%d", t.Cwnd) }},
	{metrics.TCPSsthresh, func(t *metrics.TCP) string { return fmt.Sprintf("ssthresh:%d", t.Ssthresh) }},
	{metrics.TCPSent, func(t *metrics.TCP) string { return fmt.Sprintf("bytes_sent:%d", t.Sent) }},
	{metrics.TCPRetransmitted, func(t *metrics.TCP) string { return fmt.Sprintf("bytes_retrans:%d", t.Retransmitted) }},
	{metrics.TCPAcked, func(t *metrics.TCP) string { return fmt.Sprintf("bytes_acked:%d", t.Acked) }},
	{metrics.TCPReceived, func(t *metrics.TCP) string { return fmt.Sprintf("bytes_received:%d", t.Received) }},
	{metrics.TCPSegments, func(t *metrics.TCP) string {
		return fmt.Sprintf("segs_out:%d segs_in:%d", t.SegmentsSent, t.SegmentsReceived)
	}},
	{metrics.TCPPacingRate, func(t *metrics.TCP) string { return "pacing_rate:" + bits(t.PacingRate) }},
	{metrics.TCPDeliveryRate, func(t *metrics.TCP) string { return "delivery_rate:" + bits(t.DeliveryRate) }},
	{metrics.TCPAppLimited, func(t *metrics.TCP) string { return map[bool]string{true: "app_limited"}[t.AppLimited] }},
	{metrics.TCPBusy, func(t *metrics.TCP) string { return fmt.Sprintf("busy:%dms", t.Busy.Milliseconds()) }},
	{metrics.TCPRwndLimited, func(t *metrics.TCP) string { return "rwnd_limited:" + part(t.RwndLimited, t.Busy) }},
	{metrics.TCPSndbufLimited, func(t *metrics.TCP) string { return "sndbuf_limited:" + part(t.SndbufLimited, t.Busy) }},
	{metrics.TCPInFlight, func(t *metrics.TCP) string { return fmt.Sprintf("in_flight:%d", t.InFlight) }},
	{metrics.TCPRetransmits, func(t *metrics.TCP) string { return fmt.Sprintf("retrans:%d", t.Retransmits) }},
	{metrics.TCPNotSent, func(t *metrics.TCP) string { return fmt.Sprintf("notsent:%d", t.NotSent) }},
	{metrics.TCPMinRTT, func(t *metrics.TCP) string { return "minrtt:" + ms(t.MinRTT) }},
	{metrics.TCPSendWindow, func(t *metrics.TCP) string { return fmt.Sprintf("snd_wnd:%d", t.SendWindow) }},
}

// details returns the TCP figures of a connection and what limits it; "" if none
// are known.
func details(s *Socket) string {
	if !s.Have.Has(metrics.ConnectionTCP) || s.State == metrics.Listen {
		return ""
	}
	var items []string
	for _, item := range tcpItems {
		if !s.TCP.Have.Has(item.field) {
			continue
		}
		if text := item.text(&s.TCP); text != "" {
			items = append(items, text)
		}
	}
	if s.Cause != metrics.CauseUnknown {
		items = append(items, "limited by: "+s.Cause.String())
	}
	return strings.Join(items, " ")
}

// ms returns milliseconds with microseconds as decimals, as ss does.
func ms(d time.Duration) string { return fmt.Sprintf("%g", float64(d.Microseconds())/1000) }

// bits returns a rate in bits per second, as ss does.
func bits(bytesPerSecond uint64) string {
	return strings.TrimSuffix(strings.ReplaceAll(show.Bytes(8*float64(bytesPerSecond)), " ", ""), "B") + "bps"
}

// part returns a time in milliseconds and its share of another.
func part(d, of time.Duration) string {
	text := fmt.Sprintf("%dms", d.Milliseconds())
	if of > 0 {
		text += fmt.Sprintf("(%.1f%%)", 100*float64(d)/float64(of))
	}
	return text
}
