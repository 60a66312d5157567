// Package certs provides certificates for TLS servers: from files, which are read
// again after a change, or self-signed ones for a trial.
//
//	r := &certs.Reloader{Pairs: []certs.Pair{{Cert: "site.pem", Key: "site.key"}}}
//	if err := r.Load(); err != nil {
//		...
//	}
//	secure := tls.NewListener(ln, r.Config())
//
// # Design
//
// Handshakes check the files for changes by stat(2), at most once a second. There
// is no file watcher: inotify does not report that a link two directories above
// was moved, which is how certbot and Kubernetes renew certificates.
package certs
