//go:build linux

// Command shorttimes serves a directory by HTTP, with time limits that a test can wait for:
// those of "sluice serve" are fixed. It prints its URL, and ends with its standard input. It
// is never installed.
//
//	shorttimes [-idle TIME] [-header TIME] [-stall TIME] [-min-rate BYTES] [-loop auto|off] DIR
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
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
	loop := flag.String("loop", "auto", "serve by event loops: auto or off")
	flag.Parse()
	server.NoLoop = *loop == "off"
	fs, err := httpd.Dir(flag.Arg(0))
	if err != nil {
		return err
	}
	server.Handler = &httpd.Handler{FS: fs}
	ended := make(chan error, 1)
	ln, err := httpd.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { ended <- server.Serve(ln) }()
	fmt.Printf("http://%s/\n", ln.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := server.Shutdown(context.Background()); err != nil {
		return err
	}
	<-ended
	return nil
}
