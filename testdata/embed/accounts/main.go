// Command accounts serves the users of a database by HTTP, with a login page and by Basic
// authentication, and by FTP. Each may change the files in a home of its own, up to a quota.
//
//	accounts 127.0.0.1:8080 127.0.0.1:2121 /srv/homes /var/lib/accounts
package main

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"log"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sluice/ftpd"
	"sluice/httpd"
)

// user is a row of the database.
type user struct {
	salt, hash []byte
	quota      int64 // bytes
}

// database is a table in memory in the place of yours.
type database struct {
	rows   map[string]user
	root   *httpd.Root
	volume *httpd.Volume // one for both servers: it counts the files

	hashing sync.Mutex // strangers use one processor at most
	key     []byte     // of right
	right   sync.Map   // keyed digests of right passwords, so that a request costs no hash
}

func hashOf(password string, salt []byte) []byte {
	hash, err := pbkdf2.Key(sha256.New, password, salt, 600_000, 32)
	if err != nil {
		panic(err)
	}
	return hash
}

// account returns the present account of a user, or httpd.ErrLogin.
func (d *database) account(name string) (*httpd.Account, error) {
	row, ok := d.rows[name]
	if !ok {
		return nil, httpd.ErrLogin
	}
	return &httpd.Account{
		Name: name, FS: d.root.Writable(), Home: "/" + name, Rights: ftpd.All,
		Volume: d.volume, Quota: httpd.Quota{Bytes: row.quota},
		PasswordID: sha256.Sum256(row.hash), // another password ends the sessions
	}, nil
}

// logIn checks a password. It does the same for an unknown name, which nobody shall learn by
// the time that it takes.
func (d *database) logIn(name, password string) (*httpd.Account, error) {
	row := d.rows[name]
	mac := hmac.New(sha256.New, d.key)
	mac.Write(append([]byte(password), row.hash...))
	sum := [32]byte(mac.Sum(nil))
	if _, known := d.right.Load(sum); known {
		return d.account(name)
	}
	d.hashing.Lock()
	defer d.hashing.Unlock()
	if subtle.ConstantTimeCompare(hashOf(password, row.salt), row.hash) != 1 {
		return nil, httpd.ErrLogin
	}
	d.right.Store(sum, nil)
	return d.account(name)
}

func main() {
	root, err := httpd.Dir(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	files := root.Writable()
	d := &database{root: root, volume: httpd.NewVolume(files, httpd.Reserve{Percent: 1}), key: []byte(rand.Text())}
	salt := []byte(rand.Text())
	d.rows = map[string]user{"ann": {salt, hashOf("secret", salt), 1 << 20}, "bob": {salt, hashOf("hidden", salt), 1 << 20}}
	for name := range d.rows {
		if err := files.MkdirAll("/"+name, 0o755); err != nil {
			log.Fatal(err)
		}
	}
	var throttle httpd.Throttle // wrong passwords count for both servers together
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	web := &httpd.Server{
		Handler:  new(httpd.Handler), // guests see no files
		Accounts: &httpd.Handler{Write: httpd.Create | httpd.Change | httpd.Delete | httpd.Rename, WebDAV: true},
		Login: func(_ context.Context, _ httpd.Client, name, password string) (*httpd.Account, error) {
			return d.logIn(name, password)
		},
		Sessions:  &httpd.Sessions{File: filepath.Join(os.Args[4], "sessions"), Logger: logger},
		AccountOf: func(_ context.Context, _ httpd.Client, name string) (*httpd.Account, error) { return d.account(name) },
		Throttle:  &throttle, Logger: logger,
		// TLSConfig and ServeTLS: without TLS, passwords are accepted from this host alone
	}
	ftp := &ftpd.Server{
		Login: func(_ context.Context, _ ftpd.Client, name, password string) (*ftpd.Account, error) {
			return d.logIn(name, password)
		},
		Throttle: &throttle, Logger: logger,
	}
	go func() {
		for range time.Tick(time.Hour) { // what broken uploads have left, in the homes of all
			_, _ = httpd.Sweep(context.Background(), files, 72*time.Hour)
		}
	}()
	webListener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	ftpListener, err := net.Listen("tcp", os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	log.Print("http://", webListener.Addr(), " ftp://", ftpListener.Addr())
	go func() { log.Fatal(web.Serve(webListener)) }()
	log.Fatal(ftp.Serve(ftpListener))
}
