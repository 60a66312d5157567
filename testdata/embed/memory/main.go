// Command memory serves files from memory, by HTTP and by FTP.
//
//	memory 127.0.0.1:8080 127.0.0.1:2121
package main

import (
	"log"
	"net"
	"os"

	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/httpd"
)

func main() {
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/hello.txt", []byte("Hello from memory\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	web, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	ftp, err := net.Listen("tcp", os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	log.Print("http://", web.Addr(), " ftp://", ftp.Addr())
	go func() { log.Fatal((&httpd.Server{Handler: httpd.FileServer(memory)}).Serve(web)) }()
	log.Fatal((&ftpd.Server{FS: memory}).Serve(ftp))
}
