//go:build linux

// Command shorttimes serves a directory by HTTP, with time limits that a test can wait for:
// those of "sluice serve" are fixed. It prints its URL, and ends with its standard input. It
// is never installed.
//
//	shorttimes [-idle TIME] [-header TIME] [-stall TIME] [-min-rate BYTES] [-loop on|off] DIR
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"

	"sluice/httpd"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	server := new(httpd.Server)
	flag.DurationVar(&server.IdleTimeout, "idle", 0, "Server.IdleTimeout")
	flag.DurationVar(&server.HeaderTimeout, "header", 0, "Server.HeaderTimeout")
	flag.DurationVar(&server.StallTimeout, "stall", 0, "Server.StallTimeout")
	flag.Int64Var(&server.MinRate, "min-rate", 0, "Server.MinRate")
	loop := flag.String("loop", "", "driver of connections")
	flag.Parse()
	fs, err := httpd.Dir(flag.Arg(0))
	if err != nil {
		return err
	}
	server.Handler = &httpd.Handler{FS: fs}
	ended := make(chan error, 1)
	if err := serve(server, *loop, ended); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := server.Shutdown(context.Background()); err != nil {
		return err
	}
	<-ended
	return nil
}

// serve starts the server with a driver of connections and prints the URL.
func serve(server *httpd.Server, loop string, ended chan<- error) error {
	if loop != "" {
		return fmt.Errorf("this version of package httpd has no driver %q", loop)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { ended <- server.Serve(ln) }()
	fmt.Printf("http://%s/\n", ln.Addr())
	return nil
}
