package h1_test

import (
	"testing"

	"sluice/internal/h1"
)

func TestValidHost(t *testing.T) {
	for _, host := range []string{
		"a", "example.com", "example.com.", "example.com:80", "example.com:", "a_b", "A-1", "192.0.2.1:8080", "[::1]", "[::1]:8080", "[2001:db8::1]:", "xn--bcher-kva.example",
		"a~b", "a%20b", "[fe80::1%25eth0]", "a:65535",
	} {
		if !h1.ValidHost(host) {
			t.Errorf("%q is refused", host)
		}
	}
	for _, host := range []string{
		"", "a,b", "a, b", "a:b:c", "[::1", ":", ":80", "a:b", "a:80:81", "::1", "[]", "[a]", "[192.0.2.1]", "[::1]80", "[::1]:x", "a:-1", "a:+1", "a:65536", "a:0", "a b", "a/b", "a@b",
		"a?b", "a#b", "%", "a%2", "a%zz", "é", "\x00", "a\"", "<a>", `a\b`, "http://a",
	} {
		if h1.ValidHost(host) {
			t.Errorf("%q is valid", host)
		}
	}
}
