// Package certs gives TLS servers their certificates: from files, which are
// read again when they have changed, or made up for a trial.
//
//	r := &certs.Reloader{Pairs: []certs.Pair{{Cert: "site.pem", Key: "site.key"}}}
//	if err := r.Load(); err != nil {
//		...
//	}
//	secure := tls.NewListener(ln, r.Config())
package certs
