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

// Serve is the server whose methods Run measures. It runs in the process that
// Config.Self starts; in and out are the standard input and output of that
// process. It returns nil when in or ctx ends, after it has closed all
// connections. A read of in may still be under way then.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	from, to := json.NewDecoder(in), json.NewEncoder(out)
	var files setup
	if err := from.Decode(&files); err != nil {
		return fmt.Errorf("only \"sluice bench methods\" starts this server, and sends it a setup first: %w", err)
	}
	s := &server{begin: time.Now(), conns: make(map[net.Conn]struct{})}
	defer s.stop()
	at, err := s.start(files)
	if err != nil {
		at.Err = err.Error()
	}
	if err := errors.Join(err, to.Encode(at)); err != nil {
		return err
	}
	over := make(chan error, 1)
	go func() { over <- s.reportUsage(from, to) }()
	select {
	case err := <-over:
		return err
	case <-ctx.Done():
		return nil
	}
}

// A server sends files by the method in the path of the request.
type server struct {
	begin   time.Time
	dropped atomic.Int64 // processor time of dropPages, in nanoseconds

	hot, cold map[string]*servedFile
	listeners []net.Listener
	running   sync.WaitGroup

	mu       sync.Mutex // guards the fields below
	conns    map[net.Conn]struct{}
	stopping bool
}

// A servedFile is open for all connections.
type servedFile struct {
	file *os.File
	size int64
	head []byte // of a response with it
}

// reportUsage answers usage requests until from ends.
func (s *server) reportUsage(from *json.Decoder, to *json.Encoder) error {
	for {
		var q usageRequest
		switch err := from.Decode(&q); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		u := processUsage()
		u.At = time.Since(s.begin)
		u.System -= time.Duration(s.dropped.Load())
		if err := to.Encode(u); err != nil {
			return err
		}
	}
}

func (s *server) start(files setup) (at addresses, err error) {
	if s.hot, err = openAll(files.Hot); err != nil {
		return at, err
	}
	if files.Cold != "" {
		if s.cold, err = openAll(files.Cold); err != nil {
			return at, err
		}
	}
	config, err := selfSigned()
	if err != nil {
		return at, err
	}
	plain, err := s.listen(func(c net.Conn) net.Conn { return c }, overPlain)
	if err != nil {
		return at, err
	}
	secure, err := s.listen(func(c net.Conn) net.Conn { return tls.Server(c, config) }, overTLS)
	if err != nil {
		return at, err
	}
	return addresses{Plain: plain.String(), Secure: secure.String()}, nil
}

// openAll opens the files of a folder.
func openAll(dir string) (map[string]*servedFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*servedFile)
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
		all[e.Name()] = &servedFile{f, info.Size(), fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", info.Size())}
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
				return // closed, or out of descriptors: clients are refused
			}
			s.running.Go(func() { s.serveConn(conn, wrap(conn), over) })
		}
	})
	return ln.Addr(), nil
}

// stop closes listeners, connections and files, and waits for all goroutines.
func (s *server) stop() {
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
	s.mu.Lock()
	s.stopping = true
	for conn := range s.conns {
		abort(conn)
	}
	s.mu.Unlock()
	s.running.Wait()
	for _, files := range []map[string]*servedFile{s.hot, s.cold} {
		for _, f := range files {
			_ = f.file.Close()
		}
	}
}

// abort closes a connection and discards what it has not sent yet. Close alone
// would not end the wait of a ring, which has a reference to the socket.
func abort(conn net.Conn) {
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
		_ = c.CloseRead()
		_ = c.CloseWrite()
	}
	_ = conn.Close()
}

// track registers conn for stop. It returns false if stop was called already.
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

// serveConn answers the requests of a connection, and closes it. conn is tcp, or
// TLS over it.
func (s *server) serveConn(tcp, conn net.Conn, over channel) {
	defer conn.Close()
	if !s.track(tcp) {
		return
	}
	defer s.untrack(tcp)
	senders := make(map[string]sender)
	defer func() {
		for _, s := range senders {
			if s.close != nil {
				s.close()
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
		default: // the client has closed, or failed in the middle of a response
			return
		}
	}
}

// errRefused is an error before anything was sent.
var errRefused = errors.New("refused")

func refuse(conn net.Conn, err error) {
	body := err.Error() + "\n"
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// answer sends the file of path by the method of path, with the sender of this
// connection.
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
	via, ok := senders[name]
	if !ok {
		m, err := find(name)
		if err == nil && m.over != over {
			err = fmt.Errorf("method %s is on the other port", name)
		}
		if err == nil {
			via, err = m.open(conn)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		senders[name] = via
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
	return via.send(f.file, 0, f.size)
}

// plainHead returns a function that writes a head in a packet of its own.
func plainHead(conn net.Conn) func(head []byte) error {
	return func(head []byte) error {
		_, err := conn.Write(head)
		return err
	}
}
