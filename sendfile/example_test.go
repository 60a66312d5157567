package sendfile_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"sluice/sendfile"
)

// A server that answers every connection with one file. The file is opened
// once: transfers do not use its position.
func ExampleSend() {
	f, err := os.Open("example_test.go")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			res, err := sendfile.Send(context.Background(), conn, f, 0, 20, &sendfile.Options{Timeout: time.Minute})
			if err != nil {
				log.Printf("%v: %d bytes by %s: %v", conn.RemoteAddr(), res.Sent, res.Road, err)
			}
			_ = conn.Close()
		}
	}()

	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	got, err := io.ReadAll(conn)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", got)
	// Output: package sendfile_tes
}
