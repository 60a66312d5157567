package h1conn_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/filecache"
	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// A bench is a server whose machines are tested without a network.
type bench struct {
	*h1conn.Server
	handler *h1conn.Handler
	closing atomic.Bool
	now     time.Time
	records []live.Record
	refused []string
}

const largeSize = 100_000

func newBench(t testing.TB) *bench {
	t.Helper()
	dir := nettest.TempDir(t)
	for name, content := range map[string]string{
		"f.txt": "content", "empty": "", "a b": "spaces", "sub/index.html": "<p>index",
		"large": strings.Repeat("0123456789", largeSize/10),
	} {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		nettest.Age(t, full)
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	cache := &filecache.Cache{Tree: root, Valid: time.Hour}
	t.Cleanup(func() {
		_ = cache.Close()
		_ = root.Close()
	})
	b := &bench{now: time.Now().Add(time.Minute)}
	b.handler = &h1conn.Handler{Planner: plan.New(plan.Config{Files: cache, Tree: root})}
	b.Server = &h1conn.Server{
		Handler: func() *h1conn.Handler { return b.handler }, Base: context.Background(), Closing: &b.closing,
		Now:      func() time.Time { return b.now },
		ClientOf: func(remote netip.AddrPort, _, _ []string) netip.AddrPort { return remote },
		Refused:  func(_ *netconn.Conn, line string, _ []byte) { b.refused = append(b.refused, line) },
	}
	return b
}

// A driver drives a machine with bytes in memory. The zero value gives it all bytes at
// once and sends everything.
type driver struct {
	noWait bool
	piece  int           // bytes that come, or are sent, at once; 0: all
	failAt int           // bytes after which sending fails; 0: it does not
	do     h1conn.Do     // the last action
	works  int           // how often the machine asked for Work
	rest   string        // what is left for net/http
	isIdle bool          // at the end
	sent   bytes.Buffer  // to the client
	conn   *netconn.Conn // of the machine
}

var errSend = errors.New("sending fails")

// run gives in to a new machine and returns what it sends.
func (d *driver) run(t testing.TB, b *bench, in string) string {
	t.Helper()
	accepted, _ := nettest.Pair(t)
	d.conn = netconn.New(accepted)
	m := h1conn.NewMachine(b.Server, d.conn)
	defer m.Release()
	m.NoWait = d.noWait
	for range 1_000_000 {
		a := m.Next()
		d.do = a.Do
		switch a.Do {
		case h1conn.Read:
			if in == "" {
				d.isIdle = m.IsIdle()
				return d.sent.String()
			}
			n := copy(m.Buffer(), in[:d.part(len(in))])
			in = in[n:]
			m.Received(n, b.now)
		case h1conn.Send:
			m.Sent(d.send(a.Data))
		case h1conn.SendFile:
			p := make([]byte, d.sendable(int(a.N)))
			if _, err := a.File.ReadAt(p, a.Off); err != nil && err != io.EOF {
				t.Fatal(err)
			}
			res, err := d.send(p)
			res.Method = sendfile.Sendfile
			m.Transfer().Add(res)
			m.Sent(res, err)
		case h1conn.Work:
			d.works++
			m.Work(context.Background())
		default:
			d.rest = string(m.Rest()) + in
			return d.sent.String()
		}
	}
	t.Fatal("the machine goes on for ever")
	return ""
}

func (d *driver) part(n int) int {
	if d.piece > 0 {
		return min(n, d.piece)
	}
	return n
}

// sendable returns how much of n bytes is sent at once: more than comes at once, because
// there is much more of it.
func (d *driver) sendable(n int) int {
	if d.piece > 0 {
		return min(n, 50*d.piece)
	}
	return n
}

func (d *driver) send(p []byte) (sendfile.Result, error) {
	p = p[:d.sendable(len(p))]
	if d.failAt > 0 && d.sent.Len()+len(p) > d.failAt {
		n, _ := d.sent.Write(p[:d.failAt-d.sent.Len()])
		return sendfile.Result{Sent: int64(n)}, errSend
	}
	n, _ := d.sent.Write(p)
	return sendfile.Result{Sent: int64(n)}, nil
}

func get(target, fields string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"
}

func TestAMachineAnswersInOrderHoweverTheBytesCome(t *testing.T) {
	b := newBench(t)
	in := get("/f.txt", "") + get("/large", "Range: bytes=5-70000\r\n") + get("/none", "") +
		strings.Replace(get("/large", ""), "GET", "HEAD", 1) + get("/a%20b", "") + get("/sub", "") + get("/sub/", "") +
		get("/empty", "") + get("/large", "") + get("/f.txt", "If-None-Match: *\r\n")
	whole := new(driver).run(t, b, in)
	if n := strings.Count(whole, "HTTP/1.1 "); n != 10 {
		t.Fatalf("got %d responses, want 10", n)
	}
	for _, d := range []*driver{{piece: 1}, {piece: 7}, {piece: 1000}, {noWait: true}, {noWait: true, piece: 1}, {noWait: true, piece: 333}} {
		if got := d.run(t, b, in); got != whole {
			t.Errorf("noWait %v, pieces of %d: %d bytes differ from %d", d.noWait, d.piece, len(got), len(whole))
		}
		if d.do != h1conn.Read || !d.isIdle {
			t.Errorf("noWait %v, pieces of %d: it ends with %v, idle %v", d.noWait, d.piece, d.do, d.isIdle)
		}
	}
}

func TestAMachineThatMustNotWaitNeedsNoWorkForWhatIsCached(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only there the cache knows that a file is on this machine; no other system has loops")
	}
	b := newBench(t)
	for _, request := range []string{
		get("/f.txt", ""), get("/large", ""), get("/large", "Range: bytes=5-6\r\n"), get("/f.txt", "If-None-Match: *\r\n"),
		get("/none", ""), get("/sub", ""), get("/sub/", ""), get("/a%20b", ""), strings.Replace(get("/f.txt", ""), "GET", "HEAD", 1),
	} {
		cold := driver{noWait: true}
		first := cold.run(t, b, request)
		warm := driver{noWait: true}
		if second := warm.run(t, b, request); second != first {
			t.Errorf("%q: the second response is %q, and the first %q", request, second, first)
		}
		if warm.works != 0 {
			t.Errorf("%q: %d times work, although everything is cached", request, warm.works)
		}
	}
}

func TestAMachineEndsAsTheRequestSays(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		do       h1conn.Do
		rest     string
	}{
		{"keep-alive", get("/f.txt", ""), h1conn.Read, ""},
		{"Connection: close", get("/f.txt", "Connection: close\r\n"), h1conn.Close, ""},
		{"HTTP/1.0", "GET /f.txt HTTP/1.0\r\n\r\n", h1conn.Close, ""},
		{"HTTP/1.0 with keep-alive", "GET /f.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", h1conn.Read, ""},
		{"another method", get("/f.txt", "") + "PUT /x HTTP/1.1\r\nHost: a\r\n\r\n", h1conn.HandOver, "PUT /x HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a listing", get("/f.txt", "") + get("/", "") + "more", h1conn.HandOver, get("/", "") + "more"},
		{"a checksum", get("/f.txt?sha256", ""), h1conn.HandOver, get("/f.txt?sha256", "")},
		{"two lengths", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", h1conn.Close,
			"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
	} {
		for _, noWait := range []bool{false, true} {
			b := newBench(t)
			d := driver{noWait: noWait}
			d.run(t, b, tt.in)
			if d.do != tt.do || d.rest != tt.rest {
				t.Errorf("%s, noWait %v: it ends with %v and leaves %q, want %v and %q", tt.name, noWait, d.do, d.rest, tt.do, tt.rest)
			}
			if refused := len(b.refused) > 0; refused != (tt.name == "two lengths") {
				t.Errorf("%s: refused %v", tt.name, b.refused)
			}
		}
	}
}

func TestARecordSaysWhatWasSentOfTheBody(t *testing.T) {
	for _, target := range []string{"/f.txt", "/large"} {
		b := newBench(t)
		b.OnTransfer = func(r live.Record) { b.records = append(b.records, r) }
		whole := new(driver).run(t, b, get(target, ""))
		head := int64(strings.Index(whole, "\r\n\r\n") + 4)
		size := int64(len(whole)) - head
		b.records = nil
		for failAt := 1; failAt < len(whole); failAt += 1 + len(whole)/20 {
			d := driver{failAt: failAt}
			d.run(t, b, get(target, ""))
			if d.do != h1conn.Close || len(b.records) != 1 {
				t.Fatalf("%s fails at %d: it ends with %v and %d records", target, failAt, d.do, len(b.records))
			}
			r := b.records[0]
			b.records = nil
			if want := max(int64(failAt)-head, 0); r.Sent != want || !errors.Is(r.Err, errSend) {
				t.Errorf("%s fails at %d of %d: the record has %d of %d bytes and error %v", target, failAt, len(whole), r.Sent, size, r.Err)
			}
		}
	}
}

func TestAMachineWithoutRoomForItsRecordCallsTheHookInWork(t *testing.T) {
	b := newBench(t)
	b.OnTransfer = func(r live.Record) { b.records = append(b.records, r) }
	room := 1
	b.Report = func(*netconn.Conn, live.Record, func(live.Record)) bool {
		room--
		return room >= 0
	}
	in := get("/f.txt", "")
	new(driver).run(t, b, in) // so that it is cached
	b.records = nil
	d := driver{noWait: true}
	d.run(t, b, in+in+in)
	if d.works != 2 || len(b.records) != 2 {
		t.Errorf("%d times work and %d records, want 2 after the one that had room", d.works, len(b.records))
	}
}

// For any input, split in any way, a machine that must not wait sends the same
// as one that may, and ends in the same way.
func FuzzMachine(f *testing.F) {
	b := newBench(f)
	for _, in := range []string{
		get("/f.txt", ""), get("/large", "Range: bytes=1-2\r\n"), get("/", ""), get("/%66.txt?x", "") + get("/sub", ""),
		"GET / HTTP/1.0\r\n\r\n", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", get("/f.txt", "If-Match: \"x\"\r\n"),
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "\r\n", get("/..%2f", ""),
	} {
		f.Add(in, 1)
		f.Add(in, 50)
	}
	f.Add("0\"0", 1)
	f.Fuzz(func(t *testing.T, in string, piece int) {
		if len(in) > 4000 || strings.Contains(in, ",") && strings.Contains(in, "=") {
			return // the boundary of several ranges is random
		}
		one, other := driver{}, driver{noWait: true, piece: max(piece, 0)}
		want, got := one.run(t, b, in), other.run(t, b, in)
		if one.do == h1conn.HandOver && other.do == h1conn.Read {
			// A head that comes in pieces is parsed again only at the end of a line.
			in += "\n"
			one, other = driver{}, driver{noWait: true, piece: other.piece}
			want, got = one.run(t, b, in), other.run(t, b, in)
		}
		if got != want || one.do != other.do || one.do == h1conn.HandOver && one.rest != other.rest {
			t.Errorf("sent %q and ended with %v, %q left; without waiting, in pieces: %q, %v, %q", want, one.do, one.rest, got, other.do, other.rest)
		}
	})
}
