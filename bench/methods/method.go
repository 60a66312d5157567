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

// A Method is one way to send a file to a connection.
type Method struct {
	Name  string
	About string // what it does, in half a line
	Err   error  // why this machine lacks it, or nil
}

// All returns the methods in the order in which they are shown. It checks which
// of them the kernel allows.
func All() []Method {
	all := make([]Method, len(allMethods))
	for i, m := range allMethods {
		all[i] = Method{Name: m.name, About: m.about, Err: m.usable()}
	}
	return all
}

// A method sends a part of a file.
type method struct {
	name, about string
	over        channel      // the listener that offers it
	usable      func() error // on this machine
	open        func(conn net.Conn) (sender, error)
}

// A channel is the layer between a method and TCP.
type channel int

const (
	overPlain channel = iota // none
	overTLS
)

// A sender is a method that is ready for one connection. Only the goroutine of
// the connection uses it.
type sender struct {
	// send sends n bytes of f, from off on, and blocks until the kernel has
	// them all. After an error an unknown part was sent, and the connection
	// must be closed. A file that ends early is io.ErrUnexpectedEOF.
	send func(f *os.File, off, n int64) error

	close func() // frees what send holds, and ends its use; may be nil
}

var allMethods = slices.Concat(
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
	i := slices.IndexFunc(allMethods, func(r method) bool { return r.name == name })
	if i < 0 {
		return method{}, fmt.Errorf("there is no method %q; there are %s", name, names())
	}
	return allMethods[i], nil
}

func names() []string {
	var all []string
	for _, m := range allMethods {
		all = append(all, m.name)
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

// openReadWrite returns the open of a loop of read and write. Its buffers come
// from a pool, so that allocations are not measured.
func openReadWrite(buffer int64) func(net.Conn) (sender, error) {
	pool := sync.Pool{New: func() any { return new(make([]byte, buffer)) }}
	return func(conn net.Conn) (sender, error) {
		return sender{send: func(f *os.File, off, n int64) error {
			b := pool.Get().(*[]byte)
			defer pool.Put(b)
			for end := off + n; off < end; {
				p := (*b)[:min(buffer, end-off)]
				if _, err := f.ReadAt(p, off); err != nil {
					return unexpectedEOF(err)
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

// unexpectedEOF returns io.ErrUnexpectedEOF for io.EOF, and other errors as they
// are.
func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
