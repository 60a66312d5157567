package proxyhead

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pires/go-proxyproto"
)

// version2 returns a header of version 2.
func version2(t testing.TB, command proxyproto.ProtocolVersionAndCommand, client, server string) string {
	t.Helper()
	head := proxyproto.HeaderProxyFromAddrs(2, tcpAddr(t, client), tcpAddr(t, server))
	head.Command = command
	raw, err := head.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func tcpAddr(t testing.TB, text string) *net.TCPAddr {
	t.Helper()
	addr, err := net.ResolveTCPAddr("tcp", text)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func TestReadTakesTheHeaderAndNoByteBehindIt(t *testing.T) {
	const behind = "USER alice\r\n"
	for _, test := range []struct{ name, header, client, server string }{
		{"version 1", "PROXY TCP4 192.0.2.1 198.51.100.2 1234 21\r\n", "192.0.2.1:1234", "198.51.100.2:21"},
		{"version 1, IPv6", "PROXY TCP6 2001:db8::1 2001:db8::2 1234 21\r\n", "[2001:db8::1]:1234", "[2001:db8::2]:21"},
		{"version 1, IPv4 in IPv6", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 1234 21\r\n", "192.0.2.1:1234", "198.51.100.2:21"},
		{"version 1 without addresses", "PROXY UNKNOWN\r\n", "invalid AddrPort", "invalid AddrPort"},
		{"version 2", version2(t, proxyproto.PROXY, "192.0.2.1:1234", "198.51.100.2:21"), "192.0.2.1:1234", "198.51.100.2:21"},
		{"version 2, IPv6", version2(t, proxyproto.PROXY, "[2001:db8::1]:1234", "[2001:db8::2]:21"), "[2001:db8::1]:1234", "[2001:db8::2]:21"},
		{"version 2 for the proxy itself", version2(t, proxyproto.LOCAL, "192.0.2.1:1234", "198.51.100.2:21"), "invalid AddrPort", "invalid AddrPort"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, wrap := range map[string]func(io.Reader) io.Reader{
				"at once":      func(r io.Reader) io.Reader { return r },
				"byte by byte": iotest.OneByteReader,
			} {
				r := wrap(strings.NewReader(test.header + behind))
				got, err := Read(r)
				if err != nil || got.Client.String() != test.client || got.Server.String() != test.server {
					t.Errorf("%s: got %v to %v, %v, want %s to %s", name, got.Client, got.Server, err, test.client, test.server)
				}
				if rest, _ := io.ReadAll(r); string(rest) != behind {
					t.Errorf("%s: %q is left, want %q", name, rest, behind)
				}
			}
		})
	}
}

func TestReadRefusesWhatIsNoHeader(t *testing.T) {
	good := version2(t, proxyproto.PROXY, "192.0.2.1:1234", "198.51.100.2:21")
	for _, test := range []struct {
		name, input string
		want        error // nil: any other error
	}{
		{"nothing", "", io.EOF},
		{"a command", "USER alice\r\n", ErrMissing},
		{"a command with the same first letter", "PASV\r\n", ErrMissing},
		{"a TLS handshake", "\x16\x03\x01\x02\x00", ErrMissing},
		{"a line without end", "PROXY " + strings.Repeat("x", 200), ErrMissing},
		{"an address that is none", "PROXY TCP4 192.0.2.999 198.51.100.2 1234 21\r\n", nil},
		{"half a line", "PROXY TCP4 192.0", io.ErrUnexpectedEOF},
		{"half of version 2", good[:20], io.ErrUnexpectedEOF},
		{"version 2 of 64 KiB", good[:14] + "\xff\xff" + strings.Repeat("x", 1<<16), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Read(strings.NewReader(test.input))
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %v, %v, want error %v", got, err, test.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.1 198.51.100.2 1234 21\r\nUSER alice\r\n"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Add([]byte(version2(f, proxyproto.PROXY, "192.0.2.1:1234", "198.51.100.2:21")))
	f.Fuzz(func(t *testing.T, input []byte) {
		r := bytes.NewReader(input)
		got, err := Read(r)
		if err == nil && got.Client.IsValid() != got.Server.IsValid() {
			t.Errorf("one address is known, and the other is not: %v", got)
		}
		if used := len(input) - r.Len(); used > longest {
			t.Errorf("%d bytes were read", used)
		}
	})
}
