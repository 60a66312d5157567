// Command login serves a directory by FTP with a login function of its own: ann may
// change the directory, bob may read his home.
//
//	login 127.0.0.1:2121 /srv/pub
package main

import (
	"context"
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
	login := func(_ context.Context, c ftpd.Client, user, password string) (*ftpd.Account, error) {
		switch {
		case user == "ann" && password == "secret":
			return &ftpd.Account{Name: user, FS: root.Writable(), Rights: ftpd.All}, nil
		case user == "bob" && c.Remote.Addr().IsLoopback():
			return &ftpd.Account{Name: user, FS: root, Home: "/bob", Rights: ftpd.ReadOnly}, nil
		}
		return nil, ftpd.ErrLogin
	}
	ln, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Print("ftp://", ln.Addr())
	log.Fatal((&ftpd.Server{Login: login}).Serve(ln))
}
