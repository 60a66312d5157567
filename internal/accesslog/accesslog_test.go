package accesslog

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

func TestRequestLineIsWhatSlogWouldWrite(t *testing.T) {
	plain := live.Record{
		Remote: netip.MustParseAddrPort("127.0.0.1:5"), Op: "GET", Target: "/a", Status: 200,
		Result: sendfile.Result{Sent: 1000, Method: sendfile.Sendfile}, Duration: 12_345_678, Retransmits: -1,
	}
	for _, tt := range []struct {
		name   string
		change func(*live.Record)
	}{
		{"plain", func(*live.Record) {}},
		{"the zero Record", func(r *live.Record) { *r = live.Record{} }},
		{"TCP figures", func(r *live.Record) { r.Cause, r.RTT, r.Retransmits = live.SendBuffer, 1_234_000, 0 }},
		{"an error", func(r *live.Record) { r.Err = errors.New(`read "x": gone`) }},
		{"a query", func(r *live.Record) { r.Target = "/?a=b" }},
		{"a forged line", func(r *live.Record) { r.Target = "/\nlevel=INFO msg=\"forged\"" }},
		{"a control character", func(r *live.Record) { r.Op = "GET\x1b[31m" }},
		{"invalid UTF-8", func(r *live.Record) { r.Target = "/\xff\x00" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // with a clock that stands still
				r := plain
				tt.change(&r)
				var got, want bytes.Buffer
				log := New(&got, "text")
				log.Record(r)
				log.Flush()
				attrs := []any{"remote", clientAddr(&r), "op", r.Op, "target", r.Target, "status", r.Status}
				slog.New(slog.NewTextHandler(&want, nil)).Info("http", append(attrs, outcome(&r)...)...)
				if got.String() != want.String() {
					t.Errorf("got  %q\nwant %q", &got, &want)
				}
				synctest.Wait()
			})
		})
	}
}

func TestTransferLineIsWhatSlogWouldWrite(t *testing.T) {
	plain := live.Record{
		Protocol: live.FTP, Retransmits: -1,
		Session: 7, Remote: netip.MustParseAddrPort("127.0.0.1:5"), User: "u", Op: retrieve, Path: "/a",
		Result: sendfile.Result{Sent: 1000, Method: sendfile.Splice}, Duration: 12_345_678,
	}
	for _, tt := range []struct {
		name   string
		change func(*live.Record)
	}{
		{"plain", func(*live.Record) {}},
		{"over IPv6", func(x *live.Record) { x.Remote = netip.MustParseAddrPort("[fe80::1%eth0]:5") }},
		{"an offset", func(x *live.Record) { x.Offset = 5 }},
		{"a cause", func(x *live.Record) { x.Cause, x.RTT, x.Retransmits = live.Receiver, 1500*time.Microsecond, 3 }},
		{"a partial upload", func(x *live.Record) { x.Kept, x.Err = 5, errors.New("gone") }},
		{"a forged line", func(x *live.Record) { x.Path = "/\nlevel=INFO msg=\"forged\"" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := plain
				tt.change(&x)
				var got, want bytes.Buffer
				log := New(&got, "text")
				log.Record(x)
				log.Flush()
				attrs := []any{"remote", x.Remote.String(), "session", x.Session, "user", x.User, "op", x.Op, "path", x.Path}
				if x.Offset != 0 {
					attrs = append(attrs, "offset", x.Offset)
				}
				if x.Kept != 0 {
					attrs = append(attrs, "kept", x.Kept)
				}
				slog.New(slog.NewTextHandler(&want, nil)).Info("ftp", append(attrs, outcome(&x)...)...)
				if got.String() != want.String() {
					t.Errorf("got  %q\nwant %q", &got, &want)
				}
				synctest.Wait()
			})
		})
	}
}

// outcome returns the attributes for how a request or transfer ended.
func outcome(e *live.Record) []any {
	attrs := []any{"bytes", e.Sent}
	if e.Method != sendfile.Auto {
		attrs = append(attrs, "method", e.Method.String())
	}
	attrs = append(attrs, "took", e.Duration.Round(time.Microsecond))
	if e.Cause != live.Unknown {
		attrs = append(attrs, "cause", e.Cause.String())
	}
	if e.RTT != 0 {
		attrs = append(attrs, "rtt", e.RTT)
	}
	if e.Retransmits >= 0 {
		attrs = append(attrs, "retransmits", e.Retransmits)
	}
	if e.Err != nil {
		attrs = append(attrs, "err", e.Err)
	}
	return attrs
}

func TestConcurrentLinesStayWhole(t *testing.T) {
	const clients, each = 8, 2000
	var out bytes.Buffer
	log := New(&out, "text")
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range each {
				log.Record(live.Record{Remote: netip.MustParseAddrPort("127.0.0.1:5"), Op: "GET", Target: "/a", Status: 200, Retransmits: -1})
			}
		})
	}
	all.Wait()
	log.Flush()
	n := 0
	for line := range strings.Lines(out.String()) {
		n++
		if !strings.HasPrefix(line, "time=") || !strings.HasSuffix(line, " target=/a status=200 bytes=0 took=0s\n") {
			t.Fatalf("line %d is %q", n, line)
		}
	}
	if n != clients*each {
		t.Errorf("%d lines, want %d", n, clients*each)
	}
}

func BenchmarkRecord(b *testing.B) {
	r := live.Record{
		Remote: netip.MustParseAddrPort("127.0.0.1:45802"), Op: "GET", Target: "/docs/readme.txt", Status: 200,
		Result: sendfile.Result{Sent: 1000, Method: sendfile.Copy}, Duration: 12_345, Retransmits: -1,
	}
	for name := range lineFormats {
		b.Run(name, func(b *testing.B) {
			log := New(io.Discard, name)
			b.ReportAllocs()
			for b.Loop() {
				log.Record(r)
			}
		})
	}
}
