package httpd_test

import (
	"bufio"
	"io"
	"net/netip"
	"strings"
	"testing"

	"sluice/httpd"
)

func TestTheClientBehindAProxy(t *testing.T) {
	const proxies = "127.0.0.0/8 10.0.0.0/8 2001:db8:1::/48"
	for _, tt := range []struct {
		name   string
		from   string // the trusted proxies
		fields string
		want   string // "": the peer of the connection
	}{
		{"one address", proxies, "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1:0"},
		{"with a port", proxies, "X-Forwarded-For: 192.0.2.1:1234\r\n", "192.0.2.1:1234"},
		{"of IPv6", proxies, "X-Forwarded-For: 2001:db8::1\r\n", "[2001:db8::1]:0"},
		{"of IPv6 with a port", proxies, "X-Forwarded-For: [2001:db8::1]:1234\r\n", "[2001:db8::1]:1234"},
		{"of IPv6 in brackets", proxies, "X-Forwarded-For: [2001:db8::1]\r\n", "[2001:db8::1]:0"},
		{"IPv4 dressed as IPv6", proxies, "X-Forwarded-For: ::ffff:192.0.2.1\r\n", "192.0.2.1:0"},
		{"the rightmost that is not trusted", proxies, "X-Forwarded-For: 192.0.2.66, 192.0.2.1, 10.1.1.1\r\n", "192.0.2.1:0"},
		{"addresses that the client has written do not count", proxies, "X-Forwarded-For: 10.9.9.9, 192.0.2.66, 192.0.2.1\r\n", "192.0.2.1:0"},
		{"all are trusted", proxies, "X-Forwarded-For: 10.1.1.2, 10.1.1.1\r\n", "10.1.1.2:0"},
		{"two lines", proxies, "X-Forwarded-For: 192.0.2.66\r\nX-Forwarded-For: 192.0.2.1, 10.1.1.1\r\n", "192.0.2.1:0"},
		{"empty elements", proxies, "X-Forwarded-For: , 192.0.2.1,, 10.1.1.1 ,\r\n", "192.0.2.1:0"},
		{"an element that is not an address", proxies, "X-Forwarded-For: 192.0.2.66, unknown, 10.1.1.1\r\n", "10.1.1.1:0"},
		{"no element that is an address", proxies, "X-Forwarded-For: unknown\r\n", ""},
		{"an empty field", proxies, "X-Forwarded-For: \r\n", ""},

		{"Forwarded", proxies, "Forwarded: for=192.0.2.1;proto=https;by=10.1.1.1\r\n", "192.0.2.1:0"},
		{"Forwarded in capitals", proxies, "Forwarded: Proto=https; FOR=192.0.2.1\r\n", "192.0.2.1:0"},
		{"Forwarded with IPv6, which must be quoted", proxies, "Forwarded: for=\"[2001:db8::1]:4711\"\r\n", "[2001:db8::1]:4711"},
		{"Forwarded by two proxies", proxies, "Forwarded: for=192.0.2.66, for=192.0.2.1;by=x, for=\"10.1.1.1\"\r\n", "192.0.2.1:0"},
		{"a comma and a semicolon in quotes", proxies, "Forwarded: for=192.0.2.1;host=\"a,b;for=192.0.2.66\"\r\n", "192.0.2.1:0"},
		{"a quote in quotes", proxies, "Forwarded: host=\"a\\\", for=192.0.2.66\";for=192.0.2.1\r\n", "192.0.2.1:0"},
		{"an obfuscated name", proxies, "Forwarded: for=_hidden, for=10.1.1.1\r\n", "10.1.1.1:0"},
		{"a proxy that does not name the client", proxies, "Forwarded: for=192.0.2.66, proto=https\r\n", ""},
		{"both fields", proxies, "Forwarded: for=192.0.2.66\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1:0"},

		{"the peer is not trusted", "10.0.0.0/8", "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n", ""},
		{"no proxy is trusted", "", "X-Forwarded-For: 192.0.2.1\r\n", ""},
		{"a proxy that names the client by the PROXY protocol", proxies, "", "192.0.2.9:1234"},
		{"by the PROXY protocol, with a field of the client", proxies, "X-Forwarded-For: 192.0.2.66\r\n", "192.0.2.9:1234"},
		{"by the PROXY protocol, and the client is a proxy too", proxies, "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1:0"},
	} {
		for path, slow := range map[string]bool{"fast": false, "net/http": true} {
			t.Run(tt.name+", "+path, func(t *testing.T) {
				s := serve(t, func(srv *httpd.Server) {
					for _, cidr := range strings.Fields(tt.from) {
						srv.ProxyFrom = append(srv.ProxyFrom, netip.MustParsePrefix(cidr))
					}
					srv.NoFastPath = slow
				})
				s.write(t, "a", "a")
				c := s.dial(t)
				in := "GET /a HTTP/1.1\r\nHost: a\r\n" + tt.fields + "\r\n"
				switch {
				case tt.want == "192.0.2.9:1234":
					in = "PROXY TCP4 192.0.2.9 192.0.2.2 1234 80\r\n" + in
				case strings.HasSuffix(tt.name, "is a proxy too"):
					in = "PROXY TCP4 10.2.2.2 192.0.2.2 1234 80\r\n" + in
				}
				go func() { _, _ = io.WriteString(c, in) }()
				wantClient(t, s, c, tt.want)
			})
		}
	}
}

// A proxy has many clients.
func TestTheBoundForOneAddressIsNotForProxies(t *testing.T) {
	for from, want := range map[string]bool{"127.0.0.0/8": true, "10.0.0.0/8": false} {
		s := serve(t, func(srv *httpd.Server) {
			srv.MaxConnsPerAddr = 1
			srv.ProxyFrom = []netip.Prefix{netip.MustParsePrefix(from)}
		})
		s.write(t, "a", "a")
		let := true
		for range 3 {
			c := s.dial(t)
			_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
			let = let && read(t, bufio.NewReader(c), "GET").body == "a"
		}
		if let != want {
			t.Errorf("with proxies from %s three connections are let in: %v, want %v", from, let, want)
		}
	}
}

func FuzzForwarded(f *testing.F) {
	f.Add("192.0.2.1, [::1]:80", "for=\"[::1]\";by=x, for=_a")
	f.Fuzz(func(t *testing.T, forwardedFor, forwarded string) {
		for _, fields := range [][2][]string{{{forwardedFor}, nil}, {nil, {forwarded}}} {
			srv := &httpd.Server{ProxyFrom: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
			remote := netip.MustParseAddrPort("127.0.0.1:1")
			if got := srv.ClientOf(remote, fields[0], fields[1]); !got.IsValid() || got.Addr().Is4In6() || got.Addr().Zone() != "" {
				t.Errorf("the client is %v", got)
			}
			if got := srv.ClientOf(netip.MustParseAddrPort("192.0.2.1:1"), fields[0], fields[1]); got.String() != "192.0.2.1:1" {
				t.Errorf("a peer that is not trusted is taken for %v", got)
			}
		}
	})
}
