package h1conn_test

import (
	"testing"

	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// BenchmarkMachine measures what a response from the cache costs besides its system calls.
func BenchmarkMachine(b *testing.B) {
	bench := newBench(b)
	in := "GET /f.txt HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: a browser\r\nAccept: */*\r\n\r\n"
	new(driver).run(b, bench, in)
	accepted, _ := nettest.Pair(b)
	m := h1conn.NewMachine(bench.Server, netconn.New(accepted))
	defer m.Release()
	m.NoWait = true
	b.ReportAllocs()
	for b.Loop() {
		m.Received(copy(m.Buffer(), in), bench.now)
		a := m.Next()
		m.Sent(sendfile.Result{Sent: int64(len(a.Data))}, nil)
		if m.Next().Do != h1conn.Read {
			b.Fatal("it does not wait for the next request")
		}
	}
}
