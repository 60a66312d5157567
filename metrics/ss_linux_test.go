package metrics

import (
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// ss returns the line that ss(8) prints for one connection, with its TCP_INFO.
func ss(t *testing.T, local, remote string) string {
	t.Helper()
	nettest.NeedsProgram(t, "ss", "iproute2")
	out, err := exec.Command("ss", "-tineOH", "src", local, "dst", remote).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// ssValues returns the values of all "name:value" in such a line.
func ssValues(line string) map[string]string {
	values := make(map[string]string)
	for word := range strings.FieldsSeq(line) {
		if name, value, ok := strings.Cut(word, ":"); ok {
			values[name] = value
		}
	}
	return values
}

func TestConnectionsAgreeWithSS(t *testing.T) {
	nettest.CheckLeaks(t)
	server, client := nettest.Pair(t)
	const n = 3_000_000
	go func() { _, _ = io.Copy(server, io.LimitReader(zeros{}, n)) }()
	if _, err := io.CopyN(io.Discard, client, n); err != nil {
		t.Fatal(err)
	}
	local, remote := addrPort(server.LocalAddr()), addrPort(server.RemoteAddr())
	sample := func() Connection {
		c, ok := find(t, rows(t, Filter{LocalPort: local.Port(), TCP: true}), local, remote)
		if !ok {
			t.Fatal("the connection is missing")
		}
		c.TCP.At = time.Time{}
		return c
	}
	var line string
	before, c := Connection{}, sample()
	for before != c || c.TCP.Acked < n { // until nothing has changed while ss ran
		before = sample()
		line = ss(t, local.String(), remote.String())
		c = sample()
	}
	got := ssValues(line)
	if !strings.HasPrefix(line, "ESTAB ") {
		t.Errorf("state: got %v, ss says %q", c.State, line)
	}
	ms := func(d time.Duration) string {
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'g', 6, 64)
	}
	for name, want := range map[string]string{
		"bytes_acked": fmt.Sprint(c.TCP.Acked),
		"bytes_sent":  fmt.Sprint(c.TCP.Sent),
		"cwnd":        fmt.Sprint(c.TCP.Cwnd),
		"mss":         fmt.Sprint(c.TCP.MSS),
		"rto":         ms(c.TCP.RTO),
		"rtt":         ms(c.TCP.RTT) + "/" + ms(c.TCP.RTTVar),
		"minrtt":      ms(c.TCP.MinRTT),
		"rcv_space":   fmt.Sprint(c.TCP.RecvSpace),
		"ino":         fmt.Sprint(c.Inode),
		"sk":          strconv.FormatUint(c.Cookie, 16),
		"snd_wnd":     fmt.Sprint(c.TCP.SendWindow),
	} {
		if theirs, ok := got[name]; ok && theirs != want || !ok && name != "snd_wnd" { // older versions do not print snd_wnd
			t.Errorf("%s: got %s, ss says %q in %s", name, want, theirs, line)
		}
	}
	busy, _, _ := strings.Cut(got["busy"], "ms")
	if b, err := strconv.Atoi(busy); c.TCP.Busy != 0 && (err != nil || time.Duration(b)*time.Millisecond != c.TCP.Busy.Truncate(time.Millisecond)) {
		t.Errorf("busy: got %v, ss says %q", c.TCP.Busy, got["busy"])
	}
	if strings.Contains(line, "app_limited") != c.TCP.AppLimited {
		t.Errorf("limited by the application: got %v, ss says %s", c.TCP.AppLimited, line)
	}
	rate := ""
	if _, after, ok := strings.Cut(line, "delivery_rate "); ok {
		rate, _, _ = strings.Cut(after, "bps")
	}
	if theirs, err := strconv.ParseUint(rate, 10, 64); c.TCP.Have.Has(TCPDeliveryRate) && (err != nil || theirs != 8*c.TCP.DeliveryRate) {
		t.Errorf("delivery rate: got %d bytes a second, ss says %q bits", c.TCP.DeliveryRate, rate)
	}
}
