package drive

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
)

var dateField = regexp.MustCompile(`Date: [^\r]*\r\n`)

// FuzzDrivers sends the same bytes to loops and to a goroutine, which answer the same.
func FuzzDrivers(f *testing.F) {
	for _, in := range []string{
		getSmall,
		getSmall + "HEAD /small HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.0\r\n\r\n",
		"GET /small HTTP/1.1\r\nHost: a\r\nRange: bytes=5-9\r\n\r\nGET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		getSmall + "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + getSmall,
		"POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET /%73mall HTTP/1.1\r\nHost: a\r\nIf-Match: *\r\nAccept: text/html\r\n\r\n",
		"GET /small HT",
		"\r\n\r\n",
		"",
	} {
		f.Add([]byte(in))
	}
	handOver := func(c *netconn.Conn, rest []byte) {
		_, _ = fmt.Fprintf(c, "to net/http: %q", rest)
		_ = c.Close()
	}
	var server *h1conn.Server
	var enter func(*netconn.Conn, time.Time) error
	r := newRig(f, 2, func(c *Config) {
		c.HandOver = handOver
		server, enter = c.Server, c.Enter
	})
	if err := os.Remove(filepath.Join(r.dir, "large")); err != nil { // fuzzing would find it
		f.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	defer ln.Close()
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4096 {
			in = in[:4096] // one packet
		}
		go func() {
			accepted, err := ln.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			c := netconn.New(accepted)
			if err := enter(c, time.Now()); err != nil || !c.SetBusy() {
				t.Errorf("a new connection is not busy, or %v", err)
			}
			if isHandedOver, rest := Serve(server, c, nil); isHandedOver {
				handOver(c, rest)
			}
		}()
		byGoroutine := exchange(t, ln.Addr().String(), in)
		byLoop := exchange(t, r.addr, in)
		if byGoroutine != byLoop {
			t.Errorf("%q\na goroutine sends %q\na loop sends      %q", in, byGoroutine, byLoop)
		}
	})
}

// exchange sends bytes, and returns all that comes, without dates.
func exchange(t *testing.T, addr string, in []byte) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.Write(in); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if _, err := io.Copy(&out, c); err != nil {
		t.Fatalf("after %q: %v", out.String(), err)
	}
	return dateField.ReplaceAllString(out.String(), "")
}
