package ftpd_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"time"

	"sluice/ftpd"
	"sluice/internal/vfs"
)

// A server for everybody, read-only, that ends with grace.
func ExampleServer() {
	tree, err := vfs.Open("/srv/pub")
	if err != nil {
		log.Fatal(err)
	}
	defer tree.Close()
	ln, err := net.Listen("tcp", ":21")
	if err != nil {
		log.Fatal(err)
	}
	srv := &ftpd.Server{
		Tree:      tree,
		Anonymous: true,
		OnTransfer: func(t ftpd.Transfer) {
			fmt.Printf("%s %s %s: %d bytes by %s in %v: %v\n", t.User, t.Op, t.Path, t.Sent, t.Method, t.Duration, t.Err)
		},
	}

	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ended := make(chan error, 1)
	context.AfterFunc(interrupted, func() {
		grace, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		ended <- srv.Shutdown(grace)
	})
	if err := srv.Serve(ln); !errors.Is(err, ftpd.ErrServerClosed) {
		log.Fatal(err)
	}
	if err := <-ended; err != nil {
		log.Print("transfers were cut: ", err)
	}
}
