package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"

	"sluice/internal/certs"
	"sluice/internal/config"
)

// tlsConfig returns how TLS is done by HTTPS and FTP. hosts are the names and addresses
// under which the server can be found, for a certificate of our own.
func tlsConfig(conf config.Config, hosts []string, logger *slog.Logger) (*tls.Config, error) {
	if conf.TLSSelfSigned {
		cert, err := certs.SelfSigned(hosts)
		if err != nil {
			return nil, fmt.Errorf("--tls-self-signed: %w", err)
		}
		logger.Info("self-signed certificate", "sha256", certs.Fingerprint(cert), "until", cert.Leaf.NotAfter.UTC())
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}, nil
	}
	files := &certs.Reloader{OnReload: logReload(logger)}
	for i, cert := range conf.TLSCerts {
		pair := certs.Pair{Cert: cert}
		if len(conf.TLSKeys) > 0 {
			pair.Key = conf.TLSKeys[i] // Check has counted them
		}
		files.Pairs = append(files.Pairs, pair)
	}
	if err := files.Load(); err != nil {
		return nil, explainCertificate(err)
	}
	return files.Config(), nil
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
