// Command httpdir serves a directory by HTTP.
//
//	httpdir 127.0.0.1:8080 /srv/pub
package main

import (
	"context"
	"log"
	"os"

	"sluice/httpd"
)

func main() {
	root, err := httpd.Dir(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	ln, err := httpd.Listen(context.Background(), "tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Print("http://", ln.Addr())
	srv := &httpd.Server{Handler: httpd.FileServer(root), OnTransfer: func(t httpd.Transfer) {
		log.Print(t.Op, " ", t.Target, ": ", t.Status, ", ", t.Sent, " bytes by ", t.Method)
	}}
	log.Fatal(srv.Serve(ln))
}
