//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/certs"
)

// startSecure serves a new directory over HTTP and HTTPS.
func startSecure(t *testing.T, flags ...string) *server {
	t.Helper()
	flags = append([]string{"--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--ftp", ""}, flags...)
	return launch{schemes: []string{"http", "https"}}.serve(t, t.TempDir(), flags...)
}

// pair is a certificate for this machine in site.pem and its key in site.key.
type pair struct{ dir, fingerprint string }

func (p pair) cert() string { return filepath.Join(p.dir, "site.pem") }
func (p pair) key() string  { return filepath.Join(p.dir, "site.key") }

// flags make a server use the pair.
func (p pair) flags() []string { return []string{"--tls-cert", p.cert(), "--tls-key", p.key()} }

// newPair makes a self-signed certificate in a directory of its own.
func newPair(t *testing.T) pair {
	t.Helper()
	cert, err := certs.SelfSigned(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	p := pair{t.TempDir(), certs.Fingerprint(cert)}
	for name, block := range map[string]*pem.Block{
		p.cert(): {Type: "CERTIFICATE", Bytes: cert.Certificate[0]},
		p.key():  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// fingerprint returns the fingerprint of the certificate that the server uses.
func (s *server) fingerprint() string {
	s.t.Helper()
	conn, err := tls.Dial("tcp", s.urls["https"].Host, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	return certs.Fingerprint(tls.Certificate{Certificate: [][]byte{conn.ConnectionState().PeerCertificates[0].Raw}})
}

func TestCurlDownloadsByHTTPSWithHTTP1AndHTTP2(t *testing.T) {
	p := newPair(t)
	s := startSecure(t, p.flags()...)
	for _, tt := range []struct{ flag, version string }{
		{"--http2", "2"},
		{"--http1.1", "1.1"},
	} {
		for _, size := range []int64{0, 1000, 16 << 20} {
			t.Run(fmt.Sprintf("%s/%d", tt.version, size), func(t *testing.T) {
				name := fmt.Sprint(size)
				s.file(name, size)
				dir := t.TempDir()
				got := curl(t, dir, tt.flag, "--cacert", p.cert(), "-w", "%{http_version}", "-o", "got", s.urlOf("https", name))
				if got != tt.version {
					t.Errorf("HTTP/%s, want %s", got, tt.version)
				}
				wantPattern(t, filepath.Join(dir, "got"), 0, size)
			})
		}
	}
}

func TestCurlResumesByHTTPS(t *testing.T) {
	const size, part = 4 << 20, 1_234_567
	p := newPair(t)
	s := startSecure(t, p.flags()...)
	s.file("f", size)
	got := filepath.Join(t.TempDir(), "got")
	writePattern(t, got, part)
	curl(t, filepath.Dir(got), "--cacert", p.cert(), "-C", "-", "-o", "got", s.urlOf("https", "f"))
	wantPattern(t, got, 0, size)
}

func TestManyFilesOverOneHTTP2Connection(t *testing.T) {
	const files, size = 30, 300_000
	s := startSecure(t, "--tls-self-signed")
	dir := t.TempDir()
	args := []string{"-k", "--http2", "--parallel", "--parallel-immediate", "--no-progress-meter"}
	for i := range files {
		name := fmt.Sprint(i)
		s.file(name, size)
		args = append(args, "-o", name, s.urlOf("https", name))
	}
	curl(t, dir, args...)
	wantSameTree(t, dir, s.dir)
}

func TestASelfSignedCertificateIsNotTrusted(t *testing.T) {
	const untrusted = 60 // curl(1), EXIT CODES
	s := startSecure(t, "--tls-self-signed")
	s.file("f", 1000)
	dir := t.TempDir()
	if output, status := try(t, dir, "curl", "-sS", s.urlOf("https", "f")); status != untrusted {
		t.Errorf("curl without -k: exit status %d, want %d: %s", status, untrusted, output)
	}
	curl(t, dir, "-k", "-o", "got", s.urlOf("https", "f"))
	wantPattern(t, filepath.Join(dir, "got"), 0, 1000)
	s.wantLogged("sha256=" + s.fingerprint())
}

func TestOldVersionsOfTLSAreRefused(t *testing.T) {
	s := startSecure(t, "--tls-self-signed")
	s.file("f", 1000)
	fetch := func(flags ...string) int {
		t.Helper()
		_, status := try(t, t.TempDir(), "curl", append(flags, "-sSk", "-o", "got", s.urlOf("https", "f"))...)
		return status
	}
	if fetch("--tlsv1.2", "--tls-max", "1.2") != 0 {
		t.Error("TLS 1.2 was refused")
	}
	if fetch("--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT:@SECLEVEL=0") == 0 {
		t.Error("TLS 1.1 was accepted")
	}
}

func TestCertificatesAreReplacedWhileTheServerRuns(t *testing.T) {
	p, next := newPair(t), newPair(t)
	s := startSecure(t, p.flags()...)
	if got := s.fingerprint(); got != p.fingerprint {
		t.Fatalf("got %s, want %s", got, p.fingerprint)
	}

	if err := os.WriteFile(p.cert()+".new", []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.cert()+".new", p.cert()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the log reports the broken certificate", func() bool {
		if got := s.fingerprint(); got != p.fingerprint {
			t.Fatalf("got %s while the new certificate is broken, want %s", got, p.fingerprint)
		}
		return strings.Contains(s.log.String(), "the old one stays")
	})

	for from, to := range map[string]string{next.key(): p.key(), next.cert(): p.cert()} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the server uses the new certificate", func() bool { return s.fingerprint() == next.fingerprint })
}
