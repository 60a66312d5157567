package httpd_test

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"sluice/httpd"
)

func TestAProxyNamesTheClient(t *testing.T) {
	const (
		request = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
		v2      = "\r\n\r\n\x00\r\nQUIT\n"
	)
	for _, tt := range []struct {
		name, from, in string
		remote         string // "": the peer of the connection
		refused        bool
	}{
		{"version 1", "127.0.0.0/8", "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n" + request, "192.0.2.1:1234", false},
		{"version 1 of IPv6", "127.0.0.0/8", "PROXY TCP6 2001:db8::1 2001:db8::2 1234 80\r\n" + request, "[2001:db8::1]:1234", false},
		{"version 1 without an address", "127.0.0.0/8", "PROXY UNKNOWN\r\n" + request, "", false},
		{"version 2", "127.0.0.1/32", v2 + "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x50" + request, "192.0.2.1:1234", false},
		{"version 2 of the proxy itself", "127.0.0.1/32", v2 + "\x20\x00\x00\x00" + request, "", false},
		{"no header", "127.0.0.1/32", request, "", false},
		{"version 1 that is malformed", "127.0.0.1/32", "PROXY TCP4 192.0.2.1\r\n" + request, "", true},
		{"a peer that is not trusted", "192.0.2.0/24", "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n" + request, "", true},
	} {
		for path, slow := range map[string]bool{"fast": false, "net/http": true} {
			t.Run(tt.name+", "+path, func(t *testing.T) {
				s := serve(t, func(srv *httpd.Server) {
					srv.ProxyFrom = []netip.Prefix{netip.MustParsePrefix(tt.from)}
					srv.NoFastPath = slow
				})
				s.write(t, "a", "a")
				c := s.dial(t)
				go func() { _, _ = io.WriteString(c, tt.in) }()
				if tt.refused {
					got, _ := io.ReadAll(c)
					if strings.Contains(string(got), " 200 ") {
						t.Errorf("got %q, want no such answer", got)
					}
					return
				}
				wantClient(t, s, c, tt.remote)
			})
		}
	}
}

// wantClient wants that a GET of /a that c has sent is answered, and recorded as one of the client at remote; "" is
// the peer of the connection.
func wantClient(t *testing.T, s *site, c net.Conn, remote string) {
	t.Helper()
	if got := read(t, bufio.NewReader(c), "GET"); got.body != "a" {
		t.Errorf("got %+v", got)
	}
	if remote == "" {
		remote = c.LocalAddr().String()
	}
	if record := s.report(t); record.Remote.String() != remote {
		t.Errorf("recorded %s, want %s", record.Remote, remote)
	}
}
