package httpd

import (
	"net"
	"net/http"
	"sync"
)

// connKey is the context key of the connection that a request came by: a *conn
// if its method is fast, a *secureConn, or a *tls.Conn with HTTP/2.
type connKey struct{}

// serveHTTP is the Handler's, counted: net/http does not wait for handlers
// whose connections it cuts.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	s.running.enter()
	defer s.running.leave()
	talkOf(r.Context().Value(connKey{})).ask()
	if len(r.TransferEncoding) > 0 {
		// Whether there was a Content-Length as well cannot be told any more,
		// and then what follows may be somebody else's (golang/go#80942).
		w.Header().Set("Connection", "close")
	}
	if files := s.files.Load(); files != nil {
		files.ServeHTTP(w, r)
		return
	}
	s.Handler.ServeHTTP(w, r)
}

// handOver gives the connection, of which first has been read, to net/http, or
// closes it when that has ended.
func (l *lane) handOver(first []byte) {
	s := l.server
	clear := &conn{wire: l.wire, server: s, first: first, stall: s.stallTimeout()}
	var c net.Conn = clear
	if !l.secure {
		clear.talk = &talk{server: s, wire: l.wire, line: lineOf(first)}
	} else if c = l.shake(clear); c == nil {
		_ = l.wire.Close()
		return
	}
	select {
	case s.handed <- c:
	case <-s.noMore:
		_ = l.wire.Close()
	}
}

// handedListener is where net/http accepts what is handed over. It is closed
// when a Shutdown begins to wait for net/http, which is not the end of base: what
// is under way goes on.
type handedListener struct{ s *Server }

func (l handedListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.s.handed:
		return c, nil
	case <-l.s.noMore:
		return nil, net.ErrClosed
	}
}

// Close is called by net/http, and once.
func (l handedListener) Close() error {
	close(l.s.noMore)
	return nil
}

func (l handedListener) Addr() net.Addr { return &net.UnixAddr{Name: "handed over", Net: "unix"} }

// tally counts what is under way.
type tally struct {
	mu   sync.Mutex // guards the fields below
	n    int
	zero chan struct{} // closed when n is zero; nil: nobody waits
}

func (t *tally) enter() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
}

func (t *tally) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 && t.zero != nil {
		close(t.zero)
		t.zero = nil
	}
}

// wait blocks until nothing is under way.
func (t *tally) wait() {
	t.mu.Lock()
	if t.n == 0 {
		t.mu.Unlock()
		return
	}
	if t.zero == nil {
		t.zero = make(chan struct{})
	}
	zero := t.zero
	t.mu.Unlock()
	<-zero
}
