//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// verbose runs curl and returns its output, which includes the FTP dialogue, and its exit
// status.
func verbose(t *testing.T, args ...string) (printed string, status int) {
	t.Helper()
	return try(t, t.TempDir(), "curl", append([]string{"-sS", "-v"}, args...)...)
}

func TestFlagsChangeFTP(t *testing.T) {
	certificate := newPair(t).flags()
	for _, tt := range []struct {
		name   string
		flags  []string
		curl   []string
		want   string // a part of the dialogue
		status int    // exit status of curl
	}{
		{"in clear by default", nil, nil, "< 226 ", 0},
		{"TLS with a certificate", certificate, []string{"--ssl-reqd", "-k"}, "< 234 ", 0},
		{"TLS required and used", append([]string{"--ftp-tls", "required"}, certificate...), []string{"--ssl-reqd", "-k"}, "< 226 ", 0},
		{"TLS required but not used", append([]string{"--ftp-tls", "required"}, certificate...), nil, "< 530 ", 67},
		{"sessions resumed", append([]string{"--ftp-tls-reuse", "required"}, certificate...), []string{"--ssl-reqd", "-k"}, "< 226 ", 0},
		{"no return to commands in clear", certificate, []string{"--ssl-reqd", "-k", "--ftp-ssl-ccc"}, "< 502 ", 0},
		{"by ftpserverlib", []string{"--ftp-engine", "ftpserverlib"}, nil, "< 226 Closing transfer connection", 0},
		{"active, to this host", nil, []string{"-P", "-"}, "> EPRT ", 0},
		{"not active to this host", []string{"--ftp-active-local=false"}, []string{"-P", "-"}, "< 501 That is an address of this server", 30},
		{"not active", []string{"--ftp-active=false"}, []string{"-P", "-"}, "< 502 ", 30},
		{"a public address", []string{"--ftp-public-addr", "203.0.113.7"}, []string{"--disable-epsv"}, "(203,0,113,7,", 0},
		{"a public address for others", []string{"--ftp-public-addr", "10.0.0.0/8=203.0.113.7"}, []string{"--disable-epsv"}, "(127,0,0,1,", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, tt.flags...)
			s.file("f", 100_000)
			got, status := verbose(t, append(tt.curl, "-o", "got", s.urlOf("ftp", "f"))...)
			if status != tt.status || !strings.Contains(got, tt.want) {
				t.Errorf("exit status %d, want %d with %q:\n%s", status, tt.status, tt.want, got)
			}
		})
	}
}

func TestPassivePortsAreThoseOfTheFlag(t *testing.T) {
	s := start(t, "--ftp-passive-ports", "41000-41009")
	s.file("f", 10)
	for range 3 {
		if got, status := verbose(t, "-o", "got", s.urlOf("ftp", "f")); status != 0 || !strings.Contains(got, "(|||4100") {
			t.Errorf("exit status %d:\n%s", status, got)
		}
	}
}

func TestFTPSStartsWithTLS(t *testing.T) {
	flags := append([]string{"--http", "", "--ftp", "", "--ftps", "127.0.0.1:0"}, newPair(t).flags()...)
	s := launch{schemes: []string{"ftps"}}.serve(t, t.TempDir(), flags...)
	s.file("f", 100_000)
	got, status := verbose(t, "-k", "-o", "got", s.urlOf("ftps", "f"))
	if status != 0 || !strings.Contains(got, "< 226 ") || !strings.Contains(got, "< 220 ") {
		t.Errorf("exit status %d:\n%s", status, got)
	}
}
