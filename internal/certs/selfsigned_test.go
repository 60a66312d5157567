package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/certs"
)

func TestSelfSignedCertificateIsForThisMachineAndTheGivenHosts(t *testing.T) {
	cert, err := certs.SelfSigned([]string{"files.example", "192.0.2.7", "fe80::7%eth0", "localhost", "::1", ""})
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(cert.Leaf)
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	for _, host := range []string{"localhost", "127.0.0.1", "::1", machine, "files.example", "192.0.2.7", "fe80::7"} {
		if _, err := handshake(t, server, &tls.Config{ServerName: host, RootCAs: trusted}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, err := handshake(t, server, &tls.Config{ServerName: "other.example", RootCAs: trusted}); err == nil {
		t.Error("it is valid for other.example too")
	}
	if got := len(cert.Leaf.IPAddresses); got != 4 {
		t.Errorf("%d addresses, want each once: %v", got, cert.Leaf.IPAddresses)
	}
}

func TestSelfSignedCertificateIsValidFor90Days(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cert, err := certs.SelfSigned(nil)
		if err != nil {
			t.Fatal(err)
		}
		trusted := x509.NewCertPool()
		trusted.AddCert(cert.Leaf)
		verify := func() error {
			_, err := cert.Leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: trusted})
			return err
		}
		time.Sleep(90*24*time.Hour - time.Minute)
		if err := verify(); err != nil {
			t.Errorf("a minute before the end: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if err := verify(); err == nil {
			t.Error("it is still valid a minute after the end")
		}
	})
}

func TestTwoSelfSignedCertificatesDiffer(t *testing.T) {
	var prints [2]string
	for i := range prints {
		cert, err := certs.SelfSigned(nil)
		if err != nil {
			t.Fatal(err)
		}
		prints[i] = certs.Fingerprint(cert)
	}
	if prints[0] == prints[1] {
		t.Errorf("both are %s", prints[0])
	}
}

func TestFingerprint(t *testing.T) {
	// The SHA-256 of "abc", from FIPS 180-2, appendix B.1.
	const want = "BA7816BF 8F01CFEA 414140DE 5DAE2223 B00361A3 96177A9C B410FF61 F20015AD"
	got := certs.Fingerprint(tls.Certificate{Certificate: [][]byte{[]byte("abc")}})
	if strings.ReplaceAll(got, ":", "") != strings.ReplaceAll(want, " ", "") || strings.Count(got, ":") != 31 {
		t.Errorf("got %s, want %s", got, want)
	}
}
