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
			output := run(t, t.TempDir(), "ab", append(flags, "-q", "-r", "-n", "2000", "-c", "50", s.urlOf("http", name))...)
			for _, want := range []string{`Complete requests: +2000\n`, `Failed requests: +0\n`} {
				if !regexp.MustCompile(want).MatchString(output) {
					t.Errorf("%s %v: ab printed\n%s\nwant %q in it", name, flags, output, want)
				}
			}
			if strings.Contains(output, "Non-2xx") {
				t.Errorf("%s %v: ab printed\n%s", name, flags, output)
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
			output := run(t, t.TempDir(), "wrk", "-t1", "-c100", "-d1s", s.urlOf(scheme, name))
			if !strings.Contains(output, "requests in ") || strings.Contains(output, "Socket errors") || strings.Contains(output, "Non-2xx") {
				t.Errorf("%s %s: wrk printed\n%s", scheme, name, output)
			}
		}
	}
}
