// Command ftpdir serves a directory by anonymous FTP, read-only.
//
//	ftpdir 127.0.0.1:2121 /srv/pub
package main

import (
	"log"
	"net"
	"os"

	"sluice/ftpd"
)

func main() {
	root, err := ftpd.Dir(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Print("ftp://", ln.Addr())
	srv := &ftpd.Server{FS: root, OnTransfer: func(t ftpd.Transfer) {
		log.Print(t.Op, " ", t.Path, ": ", t.Sent, " bytes by ", t.Method)
	}}
	log.Fatal(srv.Serve(ln))
}
