package methods

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"

	"sluice/sendfile"
)

// A Method is one way to bring a file to a connection.
type Method struct {
	Name  string
	About string // what it does, in half a line
	Err   error  // why it cannot be taken on this machine; nil if it can
}

// All returns the methods in the order in which they are shown. It asks the
// kernel which of them it allows.
func All() []Method {
	all := make([]Method, len(table))
	for i, r := range table {
		all[i] = Method{Name: r.name, About: r.about, Err: r.usable()}
	}
	return all
}

// A method is what the server does to send a part of a file.
type method struct {
	name, about string
	over        channel      // the listener that has it
	usable      func() error // on this machine
	open        func(conn net.Conn) (sender, error)
}

// A channel is what lies between a method and TCP.
type channel int

const (
	overPlain channel = iota // nothing
	overTLS
)

// A sender is a method as it is laid for one connection, whose goroutine alone
// uses it.
type sender struct {
	// send brings n bytes of f from off on to the connection, and blocks
	// until the kernel has them all. After an error nothing is known of what
	// went, and the connection must be closed. A file that ends early is
	// io.ErrUnexpectedEOF.
	send func(f *os.File, off, n int64) error

	close func() // after which send must not be called; nil if there is nothing to give back
}

var table = slices.Concat(
	[]method{{name: "sluice", about: "sendfile.Send, as the servers of this module call it", usable: always, open: openSluice}},
	system,
	[]method{
		readWrite("rw-8k", 8<<10),
		readWrite("rw-64k", 64<<10),
		readWrite("rw-256k", 256<<10),
	},
	uring,
	[]method{{name: "tls", about: "read(2) into 64 KiB, crypto/tls, write(2) per record", over: overTLS, usable: always, open: openReadWrite(64 << 10)}},
)

func find(name string) (method, error) {
	i := slices.IndexFunc(table, func(r method) bool { return r.name == name })
	if i < 0 {
		return method{}, fmt.Errorf("there is no method called %q; there are %s", name, names())
	}
	return table[i], nil
}

func names() []string {
	var all []string
	for _, r := range table {
		all = append(all, r.name)
	}
	return all
}

func always() error { return nil }

func openSluice(conn net.Conn) (sender, error) {
	return sender{send: func(f *os.File, off, n int64) error {
		_, err := sendfile.Send(context.Background(), conn, f, off, n, nil)
		return err
	}}, nil
}

func readWrite(name string, buffer int64) method {
	return method{
		name: name, about: fmt.Sprintf("pread(2) and write(2), a buffer of %d KiB", buffer>>10),
		usable: always, open: openReadWrite(buffer),
	}
}

// openReadWrite returns an open for the loop that everybody writes first. Its
// buffers are pooled, so that what a connection needs is no part of the bill.
func openReadWrite(buffer int64) func(net.Conn) (sender, error) {
	pool := sync.Pool{New: func() any { return new(make([]byte, buffer)) }}
	return func(conn net.Conn) (sender, error) {
		return sender{send: func(f *os.File, off, n int64) error {
			b := pool.Get().(*[]byte)
			defer pool.Put(b)
			for end := off + n; off < end; {
				p := (*b)[:min(buffer, end-off)]
				if _, err := f.ReadAt(p, off); err != nil {
					return early(err)
				}
				if _, err := conn.Write(p); err != nil {
					return err
				}
				off += int64(len(p))
			}
			return nil
		}}, nil
	}
}

// early makes of the end of a file what it is to who wanted more.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
