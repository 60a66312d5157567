package methods

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Serve is the server whose methods Run measures. It is for a process of its
// own, the one that Config.Self starts, with the standard input and output of
// that process. It returns nil when in ends or ctx does, and then all
// connections are closed. A read of in may still be under way.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	from, to := json.NewDecoder(in), json.NewEncoder(out)
	var o orders
	if err := from.Decode(&o); err != nil {
		return fmt.Errorf("the method server is started by \"sluice bench methods\", and has no other use: %w", err)
	}
	s := &server{begin: time.Now(), conns: make(map[net.Conn]struct{})}
	defer s.stop()
	w, err := s.start(o)
	if err != nil {
		w.Err = err.Error()
	}
	if err := errors.Join(err, to.Encode(w)); err != nil {
		return err
	}
	over := make(chan error, 1)
	go func() { over <- s.account(from, to) }()
	select {
	case err := <-over:
		return err
	case <-ctx.Done():
		return nil
	}
}

// A server sends files by the method that is named in the path of a request.
type server struct {
	begin   time.Time
	dropped atomic.Int64 // nanoseconds of processor time that dropPages took

	hot, cold map[string]*served
	listeners []net.Listener
	running   sync.WaitGroup

	mu       sync.Mutex // guards the fields below
	conns    map[net.Conn]struct{}
	stopping bool
}

// A served file is open for all connections.
type served struct {
	file *os.File
	size int64
	head []byte // of a response with it
}

// account answers questions until there are no more.
func (s *server) account(from *json.Decoder, to *json.Encoder) error {
	for {
		var q question
		switch err := from.Decode(&q); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		a := used()
		a.At = time.Since(s.begin)
		a.System -= time.Duration(s.dropped.Load())
		if err := to.Encode(a); err != nil {
			return err
		}
	}
}

func (s *server) start(o orders) (w welcome, err error) {
	if s.hot, err = openAll(o.Hot); err != nil {
		return w, err
	}
	if o.Cold != "" {
		if s.cold, err = openAll(o.Cold); err != nil {
			return w, err
		}
	}
	config, err := selfSigned()
	if err != nil {
		return w, err
	}
	plain, err := s.listen(func(c net.Conn) net.Conn { return c }, overPlain)
	if err != nil {
		return w, err
	}
	secure, err := s.listen(func(c net.Conn) net.Conn { return tls.Server(c, config) }, overTLS)
	if err != nil {
		return w, err
	}
	return welcome{Plain: plain.String(), Secure: secure.String()}, nil
}

// openAll opens the files of a folder.
func openAll(dir string) (map[string]*served, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*served)
	for _, e := range entries {
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return all, err
		}
		info, err := f.Stat()
		if err != nil {
			_ = f.Close()
			return all, err
		}
		all[e.Name()] = &served{f, info.Size(), fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", info.Size())}
	}
	return all, nil
}

// listen accepts connections on loopback until the server is stopped.
func (s *server) listen(wrap func(net.Conn) net.Conn, over channel) (net.Addr, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.listeners = append(s.listeners, ln)
	s.running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return // closed, or out of descriptors, which the client hears as a refusal
			}
			s.running.Go(func() { s.serveConn(conn, wrap(conn), over) })
		}
	})
	return ln.Addr(), nil
}

// stop closes what the server has and waits for its goroutines.
func (s *server) stop() {
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
	s.mu.Lock()
	s.stopping = true
	for conn := range s.conns {
		cut(conn)
	}
	s.mu.Unlock()
	s.running.Wait()
	for _, files := range []map[string]*served{s.hot, s.cold} {
		for _, f := range files {
			_ = f.file.Close()
		}
	}
}

// cut closes a connection and throws away what was not yet sent. Close alone
// would not reach a ring, which holds the socket while it waits for the peer.
func cut(conn net.Conn) {
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
		_ = c.CloseRead()
		_ = c.CloseWrite()
	}
	_ = conn.Close()
}

// track takes conn down for stop, or reports that it came too late.
func (s *server) track(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.conns[conn] = struct{}{}
	return true
}

func (s *server) untrack(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// serveConn answers the requests of a connection, and closes it. conn is tcp
// or what lies around it.
func (s *server) serveConn(tcp, conn net.Conn, over channel) {
	defer conn.Close()
	if !s.track(tcp) {
		return
	}
	defer s.untrack(tcp)
	senders := make(map[string]sender)
	defer func() {
		for _, l := range senders {
			if l.close != nil {
				l.close()
			}
		}
	}()
	writeHead := headWriter(conn)
	requests := requestReader{from: conn}
	for {
		req, err := requests.next()
		if err == nil {
			err = s.answer(conn, writeHead, senders, over, req.path)
		}
		switch {
		case err == nil && !req.last:
		case errors.Is(err, errRefused):
			refuse(conn, err)
			return
		default: // the end, or a peer that is gone: the client knows what is missing
			return
		}
	}
}

// errRefused says that nothing was sent yet.
var errRefused = errors.New("refused")

func refuse(conn net.Conn, err error) {
	body := err.Error() + "\n"
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// answer sends the file that path names by the method that it names.
func (s *server) answer(conn net.Conn, writeHead func([]byte) error, senders map[string]sender, over channel, path string) error {
	files, rest := s.hot, path[1:]
	after, cold := strings.CutPrefix(rest, "cold/")
	if cold {
		files, rest = s.cold, after
	}
	name, file, _ := strings.Cut(rest, "/")
	f, ok := files[file]
	if !ok {
		return fmt.Errorf("%w: no file %q", errRefused, file)
	}
	l, ok := senders[name]
	if !ok {
		r, err := find(name)
		if err == nil && r.over != over {
			err = fmt.Errorf("method %s is on the other port", name)
		}
		if err == nil {
			l, err = r.open(conn)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		senders[name] = l
	}
	if cold {
		took, err := dropPages(f.file)
		s.dropped.Add(int64(took))
		if err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
	}
	if f.size == 0 {
		_, err := conn.Write(f.head)
		return err
	}
	if err := writeHead(f.head); err != nil {
		return err
	}
	return l.send(f.file, 0, f.size)
}

// plainHead returns a function that writes a head by itself.
func plainHead(conn net.Conn) func(head []byte) error {
	return func(head []byte) error {
		_, err := conn.Write(head)
		return err
	}
}
