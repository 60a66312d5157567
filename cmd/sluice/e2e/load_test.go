//go:build e2e

package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// These tests check that none of many requests fails, not how fast the server is.

func TestApacheBenchSeesNoFailure(t *testing.T) {
	s := start(t)
	s.file("small", 1000)
	s.file("large", 300_000)
	for _, name := range []string{"small", "large"} {
		for _, flags := range [][]string{{"-k"}, nil} { // HTTP/1.0 with and without keep-alive
			said := run(t, t.TempDir(), "ab", append(flags, "-q", "-r", "-n", "2000", "-c", "50", s.urlOf("http", name))...)
			for _, want := range []string{`Complete requests: +2000\n`, `Failed requests: +0\n`} {
				if !regexp.MustCompile(want).MatchString(said) {
					t.Errorf("%s %v: ab said\n%s\nwant %q in it", name, flags, said, want)
				}
			}
			if strings.Contains(said, "Non-2xx") {
				t.Errorf("%s %v: ab said\n%s", name, flags, said)
			}
		}
	}
}

func TestWrkSeesNoFailure(t *testing.T) {
	s := startSecure(t, "--tls-self-signed")
	s.file("small", 1000)
	s.file("large", 300_000)
	for _, scheme := range []string{"http", "https"} {
		for _, name := range []string{"small", "large"} {
			said := run(t, t.TempDir(), "wrk", "-t1", "-c100", "-d1s", s.urlOf(scheme, name))
			if !strings.Contains(said, "requests in ") || strings.Contains(said, "Socket errors") || strings.Contains(said, "Non-2xx") {
				t.Errorf("%s %s: wrk said\n%s", scheme, name, said)
			}
		}
	}
}
