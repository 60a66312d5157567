package sendfile_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"sluice/sendfile"
)

// A server that sends one file to every connection. It opens the file once:
// transfers do not use its position.
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
				log.Printf("%v: %d bytes by %s: %v", conn.RemoteAddr(), res.Sent, res.Method, err)
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

// Sending from memory: any io.ReaderAt is a source. The bytes are copied, and many
// connections may share one source.
func ExampleSend_memory() {
	page := strings.NewReader("HTTP/1.0 200 OK\r\n\r\nhello, world\n")
	server, client := connected()
	defer client.Close()

	res, err := sendfile.Send(context.Background(), server, page, 0, -1, &sendfile.Options{Timeout: time.Minute})
	_ = server.Close()
	fmt.Println(res.Method, res.Sent, err)

	got, err := io.ReadAll(client)
	fmt.Printf("%q %v\n", got, err)
	// Output:
	// copy 32 <nil>
	// "HTTP/1.0 200 OK\r\n\r\nhello, world\n" <nil>
}

// Receiving into an io.WriterAt of your own: here a slice of fixed size, which
// refuses bytes past its end.
func ExampleReceive_memory() {
	server, client := connected()
	defer server.Close()
	go func() {
		_, _ = io.WriteString(client, "world")
		_ = client.Close()
	}()

	s := slice("hello, .....!")
	res, err := sendfile.Receive(context.Background(), s, server, 7, -1, &sendfile.Options{Timeout: time.Minute})
	fmt.Println(res.Sent, err)
	fmt.Println(string(s))
	// Output:
	// 5 <nil>
	// hello, world!
}

// slice is an io.WriterAt of fixed size.
type slice []byte

func (s slice) WriteAt(p []byte, off int64) (int, error) {
	if off > int64(len(s)) {
		return 0, io.ErrShortWrite
	}
	n := copy(s[off:], p)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// An upload: Receive writes what the peer sends, until the peer closes its side, to
// a file. It replaces io.Copy.
func ExampleReceive() {
	f, err := os.CreateTemp("", "upload")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	server, client := connected()
	defer server.Close()
	go func() {
		_, _ = io.WriteString(client, "twelve bytes")
		_ = client.Close()
	}()

	res, err := sendfile.Receive(context.Background(), f, server, 0, -1, &sendfile.Options{Timeout: time.Minute})
	fmt.Println(res.Sent, err)
	// Output: 12 <nil>
}

// Sending through an API that takes an io.Reader: io.Copy calls the Section's
// WriteTo, which calls Send.
func ExampleSection() {
	f, err := os.Open("example_test.go")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	server, client := connected()
	defer server.Close()
	defer client.Close()

	part := sendfile.NewSection(f, 8, 8)
	n, err := io.Copy(server, part)
	fmt.Println(n, err, part.Result().Sent)
	// Output: 8 <nil> 8
}

// A connection that counts its bytes and keeps the fast methods.
func ExampleConn() {
	f, err := os.Open("example_test.go")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	server, client := connected()
	defer client.Close()

	conn := sendfile.NewConn(server)
	defer conn.Close()
	fmt.Fprintln(conn, "250 here it comes")
	if _, err := sendfile.Send(context.Background(), conn, f, 0, 100, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(conn.Sent())
	// Output: 118
}

// Sending from a net/http handler: after Hijack the handler owns the connection,
// and must write the response header and close the connection itself.
func ExampleSend_hijack() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open("example_test.go")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer f.Close()
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n")
		if _, err := sendfile.Send(context.Background(), conn, f, 0, 20, &sendfile.Options{Timeout: time.Minute}); err != nil {
			log.Print(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(handler))
	defer server.Close()

	resp, err := http.Get(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%s %v\n", body, err)
	// Output: package sendfile_tes <nil>
}

// Sending over TLS: this process encrypts, so the bytes are copied. Everything else
// is the same.
func ExampleSend_tls() {
	f, err := os.Open("example_test.go")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	server, client := connected()
	secure := tls.Server(server, certificates())
	go func() {
		reader := tls.Client(client, &tls.Config{InsecureSkipVerify: true}) // an example has no name to verify
		_, _ = io.Copy(io.Discard, reader)
		_ = reader.Close()
	}()

	res, err := sendfile.Send(context.Background(), secure, f, 0, 100, nil)
	_ = secure.Close()
	fmt.Println(res.Method, res.Sent, err)
	// Output: copy 100 <nil>
}

// connected returns the two ends of a connection.
func connected() (server, client net.Conn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		log.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		log.Fatal(err)
	}
	return server, client
}

// certificates returns a TLS configuration with a certificate for tests.
func certificates() *tls.Config {
	s := httptest.NewTLSServer(nil)
	s.Close()
	return s.TLS
}
