package certs_test

import (
	"crypto/tls"
	"fmt"
	"log"
	"net"

	"sluice/internal/certs"
)

func ExampleReloader() {
	r := &certs.Reloader{
		Pairs: []certs.Pair{{Cert: "site.pem", Key: "site.key"}},
		OnReload: func(p certs.Pair, err error) {
			if err != nil {
				log.Printf("%v; the old certificate stays", err)
			}
		},
	}
	if err := r.Load(); err != nil {
		fmt.Println("cannot serve HTTPS:", err)
		return
	}
	ln, err := net.Listen("tcp", ":8443")
	if err != nil {
		log.Fatal(err)
	}
	defer ln.Close()
	secure := tls.NewListener(ln, r.Config())
	_ = secure // serve it

	// Output: cannot serve HTTPS: certificate site.pem: open site.pem: no such file or directory
}
