package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	validity = 90 * 24 * time.Hour
	skew     = time.Hour // how much the clock of a client may be slow
)

// SelfSigned makes a self-signed certificate with a new ECDSA key on P-256, valid for
// 90 days. It is for localhost, 127.0.0.1, ::1, the name of this machine, and the
// given names and IP addresses. To trust it, a client must have the certificate or
// compare its [Fingerprint].
func SelfSigned(hosts []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	now := time.Now()
	template := x509.Certificate{
		Subject:               pkix.Name{CommonName: "Sluice, self-signed"},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(validity),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, // with IsCA false
	}
	hosts = append([]string{"localhost", "127.0.0.1", "::1"}, hosts...)
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	addHosts(&template, hosts)
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read the certificate just made: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// addHosts adds each host once, as an IP address or as a name.
func addHosts(template *x509.Certificate, hosts []string) {
	for _, host := range hosts {
		addr, err := netip.ParseAddr(host)
		ip := net.IP(addr.WithZone("").AsSlice())
		switch {
		case host == "":
		case err != nil && !slices.Contains(template.DNSNames, host):
			template.DNSNames = append(template.DNSNames, host)
		case err == nil && !slices.ContainsFunc(template.IPAddresses, ip.Equal):
			template.IPAddresses = append(template.IPAddresses, ip)
		}
	}
}

// Fingerprint returns the SHA-256 of the first certificate of the chain in the format
// of browsers and openssl: "8F:00:...".
func Fingerprint(cert tls.Certificate) string {
	sum := sha256.Sum256(cert.Certificate[0])
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}
