package certs_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"testing"

	"sluice/internal/certs"
	"sluice/internal/nettest"
)

// writePair makes a certificate for hosts, writes it to NAME.pem and its key to
// NAME.key in dir, and returns its fingerprint.
func writePair(t *testing.T, dir, name string, hosts ...string) string {
	t.Helper()
	cert, err := certs.SelfSigned(hosts)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, dir, name, cert)
}

func write(t *testing.T, dir, name string, cert tls.Certificate) string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(dir, name+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))
	replace(t, filepath.Join(dir, name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	return certs.Fingerprint(cert)
}

// replace replaces a file by a new one with the given content.
func replace(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

func pair(dir, name string) certs.Pair {
	return certs.Pair{Cert: filepath.Join(dir, name+".pem"), Key: filepath.Join(dir, name+".key")}
}

// handshake makes a TLS handshake on a new connection and returns the client's state.
func handshake(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	far, near := nettest.Pair(t)
	defer near.Close()
	go func() {
		c := tls.Server(far, server)
		_ = c.Handshake() // an error shows on the client's side
		_ = c.Close()
	}()
	c := tls.Client(near, client)
	if err := c.Handshake(); err != nil {
		return tls.ConnectionState{}, err
	}
	_, err := io.Copy(io.Discard, c) // tickets come after the handshake
	return c.ConnectionState(), err
}

// serverFingerprint returns the fingerprint of the certificate that a client gets for
// a server name. The client accepts every certificate.
func serverFingerprint(t *testing.T, server *tls.Config, name string) string {
	t.Helper()
	state, err := handshake(t, server, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	return certs.Fingerprint(tls.Certificate{Certificate: [][]byte{state.PeerCertificates[0].Raw}})
}

func TestCertificateFitsTheServerName(t *testing.T) {
	nettest.CheckLeaks(t)
	dir := nettest.TempDir(t)
	want := map[string]string{
		"a.example": writePair(t, dir, "a", "a.example"),
		"b.example": writePair(t, dir, "b", "b.example", "*.b.example"),
	}
	want["www.b.example"] = want["b.example"]
	want["unknown.example"] = want["a.example"]
	want[""] = want["a.example"]
	r := &certs.Reloader{Pairs: []certs.Pair{pair(dir, "a"), pair(dir, "b")}}
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			if got := serverFingerprint(t, r.Config(), name); got != want {
				t.Errorf("got the certificate %s, want %s", got, want)
			}
		})
	}
}

func TestCertificateFitsTheAlgorithmsOfTheClient(t *testing.T) {
	dir := nettest.TempDir(t)
	modern := writePair(t, dir, "modern", "a.example")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template, err := certs.SelfSigned([]string{"a.example"})
	if err != nil {
		t.Fatal(err)
	}
	template.Leaf.PublicKey = nil
	template.Leaf.SignatureAlgorithm = x509.UnknownSignatureAlgorithm // chosen by the key
	der, err := x509.CreateCertificate(rand.Reader, template.Leaf, template.Leaf, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "old", tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})

	r := &certs.Reloader{Pairs: []certs.Pair{pair(dir, "modern"), pair(dir, "old")}}
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	if got := serverFingerprint(t, r.Config(), "a.example"); got != modern {
		t.Errorf("a client with both algorithms got %s, want the first, %s", got, modern)
	}
	state, err := handshake(t, r.Config(), &tls.Config{
		ServerName: "a.example", InsecureSkipVerify: true,
		MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := state.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey); ok {
		t.Error("a client without ECDSA got a certificate with an ECDSA key")
	}
}

func TestConfigOfServers(t *testing.T) {
	dir := nettest.TempDir(t)
	writePair(t, dir, "a")
	r := &certs.Reloader{Pairs: []certs.Pair{pair(dir, "a")}}
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	server := r.Config()

	old := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if _, err := handshake(t, server, old); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client := &tls.Config{
			ServerName: "localhost", InsecureSkipVerify: true, MaxVersion: version,
			ClientSessionCache: tls.NewLRUClientSessionCache(1),
		}
		for _, again := range []bool{false, true} {
			state, err := handshake(t, server, client)
			if err != nil {
				t.Fatal(err)
			}
			if state.Version != version || state.DidResume != again {
				t.Errorf("%s, resumed %v; want %s, %v", tls.VersionName(state.Version), state.DidResume, tls.VersionName(version), again)
			}
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := nettest.TempDir(t)
	writePair(t, dir, "a")
	writePair(t, dir, "b")
	replace(t, filepath.Join(dir, "empty.pem"), nil)
	a, b := pair(dir, "a"), pair(dir, "b")
	for _, tt := range []struct {
		name  string
		pairs []certs.Pair
	}{
		{"no pair at all", nil},
		{"a missing certificate", []certs.Pair{{Cert: filepath.Join(dir, "c.pem"), Key: a.Key}}},
		{"a missing key", []certs.Pair{{Cert: a.Cert, Key: filepath.Join(dir, "c.key")}}},
		{"an empty file", []certs.Pair{{Cert: filepath.Join(dir, "empty.pem"), Key: a.Key}}},
		{"the key of another certificate", []certs.Pair{{Cert: a.Cert, Key: b.Key}}},
		{"one file without a key", []certs.Pair{{Cert: a.Cert}}},
		{"an error in the second pair", []certs.Pair{a, {Cert: a.Cert, Key: b.Key}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &certs.Reloader{Pairs: tt.pairs}
			if err := r.Load(); err == nil {
				t.Error("got no error")
			}
			if cert, err := r.GetCertificate(&tls.ClientHelloInfo{}); err == nil {
				t.Errorf("got a certificate %v", cert)
			}
		})
	}
}

func TestOneFileMayHoldCertificateAndKey(t *testing.T) {
	dir := nettest.TempDir(t)
	want := writePair(t, dir, "a")
	var both []byte
	for _, name := range []string{pair(dir, "a").Key, pair(dir, "a").Cert} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, content...)
	}
	name := filepath.Join(dir, "both.pem")
	replace(t, name, both)
	r := &certs.Reloader{Pairs: []certs.Pair{{Cert: name}}}
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	if got := serverFingerprint(t, r.Config(), "localhost"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
