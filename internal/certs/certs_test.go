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

// writePair makes a certificate for some hosts, writes it to NAME.pem and its
// key to NAME.key in dir, and returns its fingerprint.
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

// replace gives a file a new content by a new file of that name.
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

// shake shakes hands on a connection and returns what the client knows then.
func shake(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	far, near := nettest.Pair(t)
	defer near.Close()
	go func() {
		c := tls.Server(far, server)
		_ = c.Handshake() // the client tells
		_ = c.Close()
	}()
	c := tls.Client(near, client)
	if err := c.Handshake(); err != nil {
		return tls.ConnectionState{}, err
	}
	_, err := io.Copy(io.Discard, c) // tickets come after the handshake
	return c.ConnectionState(), err
}

// shown returns the fingerprint of the certificate that a client is shown who
// asks for that name, whether it would trust it or not.
func shown(t *testing.T, server *tls.Config, name string) string {
	t.Helper()
	state, err := shake(t, server, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	return certs.Fingerprint(tls.Certificate{Certificate: [][]byte{state.PeerCertificates[0].Raw}})
}

func TestAClientIsShownTheCertificateOfTheNameThatItAsksFor(t *testing.T) {
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
			if got := shown(t, r.Config(), name); got != want {
				t.Errorf("got the certificate %s, want %s", got, want)
			}
		})
	}
}

func TestAClientIsShownACertificateOfAnAlgorithmThatItKnows(t *testing.T) {
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
	template.Leaf.SignatureAlgorithm = x509.UnknownSignatureAlgorithm // that of the key
	der, err := x509.CreateCertificate(rand.Reader, template.Leaf, template.Leaf, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "old", tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})

	r := &certs.Reloader{Pairs: []certs.Pair{pair(dir, "modern"), pair(dir, "old")}}
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	if got := shown(t, r.Config(), "a.example"); got != modern {
		t.Errorf("a client that knows both got %s, want the first, %s", got, modern)
	}
	state, err := shake(t, r.Config(), &tls.Config{
		ServerName: "a.example", InsecureSkipVerify: true,
		MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := state.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey); ok {
		t.Error("a client that knows RSA alone got a key of ECDSA")
	}
}

func TestTheConfigurationOfServers(t *testing.T) {
	dir := nettest.TempDir(t)
	writePair(t, dir, "a")
	r := &certs.Reloader{Pairs: []certs.Pair{pair(dir, "a")}}
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	server := r.Config()

	old := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if _, err := shake(t, server, old); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client := &tls.Config{
			ServerName: "localhost", InsecureSkipVerify: true, MaxVersion: version,
			ClientSessionCache: tls.NewLRUClientSessionCache(1),
		}
		for _, again := range []bool{false, true} {
			state, err := shake(t, server, client)
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
		{"a certificate that is not there", []certs.Pair{{Cert: filepath.Join(dir, "c.pem"), Key: a.Key}}},
		{"a key that is not there", []certs.Pair{{Cert: a.Cert, Key: filepath.Join(dir, "c.key")}}},
		{"an empty file", []certs.Pair{{Cert: filepath.Join(dir, "empty.pem"), Key: a.Key}}},
		{"the key of another certificate", []certs.Pair{{Cert: a.Cert, Key: b.Key}}},
		{"a certificate whose file has no key and needs one", []certs.Pair{{Cert: a.Cert}}},
		{"the second of two", []certs.Pair{a, {Cert: a.Cert, Key: b.Key}}},
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

func TestOneFileMayHoldBoth(t *testing.T) {
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
	if got := shown(t, r.Config(), "localhost"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
