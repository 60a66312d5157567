package listen

import (
	"net"
	"net/netip"
	"slices"
	"testing"
)

func TestURLs(t *testing.T) {
	network := func(s string) net.Addr {
		ip, n, err := net.ParseCIDR(s)
		if err != nil {
			t.Fatal(err)
		}
		return &net.IPNet{IP: ip, Mask: n.Mask}
	}
	interfaces := []net.Addr{
		network("127.0.0.1/8"), network("::1/128"), network("192.168.1.5/24"), network("fe80::1/64"), network("2001:db8::5/64"),
	}
	for _, tt := range []struct {
		name, scheme, addr string
		want               []string
	}{
		{"one address", "http", "127.0.0.1:8080", []string{"http://127.0.0.1:8080/"}},
		{"one IPv6 address", "ftp", "[::1]:2121", []string{"ftp://[::1]:2121/"}},
		{"the default port is left out", "http", "192.168.1.5:80", []string{"http://192.168.1.5/"}},
		{"the default port is left out after brackets", "ftp", "[::1]:21", []string{"ftp://[::1]/"}},
		{"that of HTTPS too", "https", "127.0.0.1:443", []string{"https://127.0.0.1/"}},
		{"another protocol's default port is not", "ftp", "192.168.1.5:80", []string{"ftp://192.168.1.5:80/"}},
		{"all addresses, without loopback and link-local ones", "http", "[::]:8080", []string{"http://localhost:8080/", "http://192.168.1.5:8080/", "http://[2001:db8::5]:8080/"}},
		{"all IPv4 addresses", "http", "0.0.0.0:80", []string{"http://localhost/", "http://192.168.1.5/"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := URLs(tt.scheme, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(tt.addr)), interfaces); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestURLOfUnixSocket(t *testing.T) {
	got := URLs("http", &net.UnixAddr{Net: "unix", Name: "/run/a b.sock"}, nil)
	if want := []string{"http+unix:///run/a%20b.sock"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
