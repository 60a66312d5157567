package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"

	"sluice/internal/certs"
)

// certify gets the certificate, if one is given: one for all who listen.
func (b *builder) certify() error {
	switch {
	case b.conf.TLSSelfSigned:
		secure := slices.Concat(b.listeners["https"], b.listeners["ftps"], b.listeners["ftp"])
		cert, err := certs.SelfSigned(allHosts(secure))
		if err != nil {
			return fmt.Errorf("--tls-self-signed: %w", err)
		}
		b.logger.Info("self-signed certificate", "sha256", certs.Fingerprint(cert), "until", cert.Leaf.NotAfter.UTC())
		b.tls = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	case len(b.conf.TLSCerts) > 0:
		files, err := b.readCertificates()
		if err != nil {
			return err
		}
		b.certs.Store(files)
		b.tls = files.Config()
		b.tls.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return b.certs.Load().GetCertificate(hello) // a reload exchanges them
		}
	}
	return nil
}

// readCertificates reads those that the configuration names.
func (b *builder) readCertificates() (*certs.Reloader, error) {
	files := &certs.Reloader{OnReload: logReload(b.logger)}
	if b.files != nil {
		files.Open = b.files.Open
	}
	for i, cert := range b.conf.TLSCerts {
		pair := certs.Pair{Cert: cert}
		if len(b.conf.TLSKeys) > 0 {
			pair.Key = b.conf.TLSKeys[i] // Check has counted them
		}
		files.Pairs = append(files.Pairs, pair)
	}
	if err := files.Load(); err != nil {
		return nil, explainCertificate(err)
	}
	return files, nil
}

func logReload(logger *slog.Logger) func(certs.Pair, error) {
	return func(p certs.Pair, err error) {
		if err != nil {
			logger.Warn("a changed certificate cannot be used, the old one stays", "err", err)
			return
		}
		logger.Info("a changed certificate is in use", "cert", p.Cert)
	}
}
