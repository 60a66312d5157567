// Command middleware serves a directory below /files/ of a plain http.Server, behind
// middleware. Its log shows that files still go by sendfile(2).
//
//	middleware 127.0.0.1:8080 /srv/pub
package main

import (
	"log"
	"net"
	"net/http"
	"os"

	"sluice/httpd"
)

func main() {
	root, err := httpd.Dir(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	files := &httpd.Handler{FS: root, OnTransfer: func(t httpd.Transfer) {
		log.Print(t.Target, ": ", t.Sent, " bytes by ", t.Method)
	}}
	private := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private")
		files.ServeHTTP(w, r)
	}
	http.Handle("/files/", http.StripPrefix("/files", http.HandlerFunc(private)))
	ln, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Print("http://", ln.Addr(), "/files/")
	log.Fatal(http.Serve(ln, nil))
}
