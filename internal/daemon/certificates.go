package daemon

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"

	"sluice/internal/certs"
	"sluice/internal/daemon/listen"
)

// loadCertificates sets the TLS configuration of all servers, if there is a
// certificate.
func (d *daemon) loadCertificates() error {
	switch {
	case d.conf.TLSSelfSigned:
		secure := slices.Concat(d.listeners["https"], d.listeners["ftps"], d.listeners["ftp"])
		cert, err := certs.SelfSigned(listen.Hosts(secure))
		if err != nil {
			return fmt.Errorf("--tls-self-signed: %w", err)
		}
		d.logger.Info("self-signed certificate", "sha256", certs.Fingerprint(cert), "until", cert.Leaf.NotAfter.UTC())
		d.tls = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	case len(d.conf.TLSCerts) > 0:
		files, err := d.readCertificates()
		if err != nil {
			return err
		}
		d.certs.Store(files)
		d.tls = files.Config()
		d.tls.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return d.certs.Load().GetCertificate(hello) // a reload replaces them
		}
	}
	return nil
}

// readCertificates reads the certificate files of the configuration.
func (d *daemon) readCertificates() (*certs.Reloader, error) {
	files := &certs.Reloader{OnReload: certificateLogger(d.logger)}
	if d.files != nil {
		files.Open = d.files.Open
	}
	for i, cert := range d.conf.TLSCerts {
		pair := certs.Pair{Cert: cert}
		if len(d.conf.TLSKeys) > 0 {
			pair.Key = d.conf.TLSKeys[i] // as many as certificates, by config.Check
		}
		files.Pairs = append(files.Pairs, pair)
	}
	if err := files.Load(); err != nil {
		return nil, explainCertificate(err)
	}
	return files, nil
}

// certificateLogger returns a hook that logs each changed certificate.
func certificateLogger(logger *slog.Logger) func(certs.Pair, error) {
	return func(p certs.Pair, err error) {
		if err != nil {
			logger.Warn("a changed certificate cannot be used, the old one stays", "err", err)
			return
		}
		logger.Info("a changed certificate is in use", "cert", p.Cert)
	}
}
