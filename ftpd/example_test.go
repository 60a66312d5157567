package ftpd_test

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log"
	"net"
	"net/textproto"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/afero"

	"sluice/ftpd"
)

// A read-only server for everybody, with a graceful shutdown.
func ExampleServer() {
	root, err := ftpd.Dir("/srv/pub")
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()
	ln, err := net.Listen("tcp", ":21")
	if err != nil {
		log.Fatal(err)
	}
	srv := &ftpd.Server{
		FS: root,
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

// A server for one user with a writable home directory.
func ExampleServer_login() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	root, err := ftpd.Dir(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()
	if err := root.Writable().Mkdir("alice", 0o755); err != nil {
		log.Fatal(err)
	}

	srv := &ftpd.Server{
		Login: func(ctx context.Context, c ftpd.Client, user, password string) (*ftpd.Account, error) {
			if user != "alice" || subtle.ConstantTimeCompare([]byte(password), []byte("secret")) == 0 {
				return nil, ftpd.ErrLogin
			}
			return &ftpd.Account{FS: root.Writable(), Home: "/alice", Rights: ftpd.All, MaxRate: 10 << 20}, nil
		},
	}
	dialogue(srv, "USER alice", "PASS secret", "MKD new", "QUIT")
	if info, err := os.Stat(dir + "/alice/new"); err == nil {
		fmt.Println("There is a new directory:", info.IsDir())
	}
	// Output:
	// USER alice: 331 Password required
	// PASS secret: 230 Logged in
	// MKD new: 257 "/new" created
	// QUIT: 221 Goodbye
	// There is a new directory: true
}

// A server of files in memory.
func ExampleServer_memory() {
	files := afero.NewMemMapFs()
	if err := afero.WriteFile(files, "/docs/readme.txt", []byte("hello\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	srv := &ftpd.Server{FS: files}
	dialogue(srv, "USER ftp", "PASS me@example.org", "CWD docs", "SIZE readme.txt")
	// Output:
	// USER ftp: 331 Password required
	// PASS me@example.org: 230 Logged in
	// CWD docs: 250 Directory is /docs
	// SIZE readme.txt: 213 6
}

// dialogue serves one client, which sends lines and prints the replies.
func dialogue(srv *ftpd.Server, lines ...string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = srv.Serve(ln) }() // until Close
	defer srv.Close()
	client, err := textproto.Dial("tcp", ln.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	_, _, _ = client.ReadResponse(220)
	for _, line := range lines {
		if _, err := client.Cmd("%s", line); err != nil {
			log.Fatal(err)
		}
		code, text, _ := client.ReadResponse(0)
		fmt.Println(line+":", code, text)
	}
}
