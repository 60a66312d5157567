package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/certs"
	"sluice/internal/config"
	"sluice/internal/nettest"
)

// reloading is a builder whose services might run, and what it logs.
type reloading struct {
	*builder
	call    *call
	started *settings
	printed strings.Builder
}

func newReloading(t *testing.T, content string, line ...string) *reloading {
	t.Helper()
	r := &reloading{call: called(t, content, line...)}
	var err error
	if r.started, err = r.call.settle(); err != nil {
		t.Fatal(err)
	}
	if r.builder, err = newBuilder(r.started.conf, &r.printed); err != nil {
		t.Fatal(err)
	}
	if err = r.root.open(nettest.TempDir(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.root.tree().Close() })
	return r
}

// again reloads with another content of the file and returns the log.
func (r *reloading) again(t *testing.T, content string) (log string, err error) {
	t.Helper()
	rewrite(t, r.call.file, content)
	r.log.flush()
	r.printed.Reset()
	err = r.reload(r.started, r.call)
	r.log.flush()
	return r.printed.String(), err
}

func TestReloadExchangesUsers(t *testing.T) {
	r := newReloading(t, aliceTable)
	bobTable := strings.ReplaceAll(aliceTable, "alice", "bob")
	log, err := r.again(t, "write = true\nftp-lax-tls = ['bob']\n"+bobTable)
	if err != nil || !strings.Contains(log, "users=1") || strings.Contains(log, "next start") {
		t.Errorf("got %v and the log %s", err, log)
	}
	if a, ok := r.users.Login(t.Context(), "bob", "secret"); !ok || a.Rights == 0 {
		t.Errorf("bob is %+v, %v, want one who may log in", a, ok)
	}
	if _, ok := r.users.Login(t.Context(), "alice", "secret"); ok {
		t.Error("alice is let in")
	}
	if lax := r.now.Load().FTPOptions.LaxTLS; len(lax) != 1 {
		t.Errorf("got the lax users %v, want bob", lax)
	}
}

func TestReloadNamesWhatWaits(t *testing.T) {
	r := newReloading(t, "http = ':1'\nftp = ':3'\nindex = ['a']\n"+aliceTable, "--max-conns", "5")
	for _, tt := range []struct{ name, file, want string }{
		{"nothing has changed", "http = ':1'\nftp = ':3'\nindex = ['a']\n", ""},
		{"an address", "http = ':2'\nftp = ':3'\nindex = ['a']\n", "keys=http\n"},
		{"it still waits", "http = ':2'\nftp = ':3'\nindex = ['a']\n", "keys=http\n"},
		{"a key is gone", "http = ':1'\nftp = ':3'\n", "keys=index\n"},
		{"two lists", "http = ':1'\nftp = ':3'\nindex = ['b']\nproxy-from = ['::1']\n", `keys="proxy-from, index"`},
		{"the root", "http = ':1'\nftp = ':3'\nindex = ['a']\nroot = 'x'\n", "keys=root\n"},
		{"what the command line says too", "http = ':1'\nftp = ':3'\nindex = ['a']\nmax-conns = 7\n", ""},
		{"certificates where there were none", "http = ':1'\nftp = ':3'\nindex = ['a']\ntls-self-signed = true\n", "keys=tls-self-signed\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log, err := r.again(t, tt.file+aliceTable)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(log, "takes effect at the next start"); got != (tt.want != "") || !strings.Contains(log, tt.want) {
				t.Errorf("got the log %s, want %q", log, tt.want)
			}
		})
	}
}

func TestReloadOfAWrongFileChangesNothing(t *testing.T) {
	r := newReloading(t, aliceTable)
	bobTable := strings.ReplaceAll(aliceTable, "alice", "bob")
	for _, tt := range []struct{ name, file, want string }{
		{"nothing, as of one that is about to be written", "", "f.toml: nothing is in it"},
		{"no TOML", bobTable + "[[", "f.toml:3:"},
		{"a key that there is not", "x = 1\n" + bobTable, "f.toml:1: x: there is no such key"},
		{"what makes no sense", "road = 'x'\n" + bobTable, "f.toml:1: road: "},
		{"a user twice", bobTable + bobTable, "f.toml:3:"},
		{"a rule that is none", "header = ['x']\n" + bobTable, "f.toml:1: header: "},
		{"an address that is none", "http = '8080'\n" + bobTable, "f.toml:1: http: "},
		{"a certificate that is not there", "https = ':1'\ntls-cert = ['none.pem']\n" + bobTable, "none.pem"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := r.again(t, tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if _, ok := r.users.Login(t.Context(), "alice", "secret"); !ok {
				t.Error("alice is not let in any more")
			}
			if _, ok := r.users.Login(t.Context(), "bob", "secret"); ok {
				t.Error("bob is let in")
			}
		})
	}
	if err := os.Remove(r.call.file); err != nil {
		t.Fatal(err)
	}
	var at *config.FileError
	if err := r.reload(r.started, r.call); !errors.As(err, &at) {
		t.Errorf("without the file: got %v, want a FileError", err)
	}
}

func TestReloadExchangesCertificates(t *testing.T) {
	a, b := makePair(t, "a"), makePair(t, "b")
	conf := func(cert string) string { return "https = ':1'\ntls-cert = ['" + filepath.ToSlash(cert) + "']\n" }
	r := newReloading(t, conf(a))
	if err := r.certify(); err != nil {
		t.Fatal(err)
	}
	before := served(t, r)
	log, err := r.again(t, conf(b))
	if err != nil || strings.Contains(log, "next start") {
		t.Fatalf("got %v and the log %s", err, log)
	}
	if served(t, r) == before {
		t.Error("the old certificate is served")
	}
	between := served(t, r)
	if _, err := r.again(t, conf(filepath.Join(filepath.Dir(a), "none"))+aliceTable); err == nil {
		t.Error("a certificate that is not there was taken")
	}
	if _, ok := r.users.Login(t.Context(), "alice", "secret"); ok || served(t, r) != between {
		t.Error("half of the file was taken")
	}
}

func TestReloadsEndWithTheServer(t *testing.T) {
	r := newReloading(t, aliceTable)
	rewrite(t, r.call.file, "x = 1")
	ctx, cancel := context.WithCancel(t.Context())
	signals, done := make(chan os.Signal), make(chan struct{})
	go func() {
		defer close(done)
		r.reloadAt(ctx, signals, r.started, r.call)
	}()
	signals <- syscall.SIGHUP
	signals <- syscall.SIGHUP // so the first is done with
	cancel()
	<-done
	r.log.flush()
	if got := r.printed.String(); !strings.Contains(got, "the one before stays") {
		t.Errorf("got the log %s", got)
	}
}

// makePair makes a certificate and its key in one file and returns its path.
func makePair(t *testing.T, name string) string {
	t.Helper()
	cert, err := certs.SelfSigned([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(nettest.TempDir(t), name+".pem")
	rewrite(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	return file
}

// served returns the fingerprint of the certificate that a client would see.
func served(t *testing.T, r *reloading) string {
	t.Helper()
	cert, err := r.tls.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return certs.Fingerprint(*cert)
}
