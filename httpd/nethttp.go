package httpd

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
)

// The context keys of the connection that a request came by: a *netconn.HTTPConn, a
// *netconn.TLSConn, or a *tls.Conn with HTTP/2; and of its *Server.
type (
	connKey   struct{}
	serverKey struct{}
)

// connOf returns the connection below TLS that a request came by, and its Server.
// Both are nil in another http.Server.
func connOf(ctx context.Context) (*Server, *netconn.HTTPConn) {
	c := netconn.Below(ctx.Value(connKey{}))
	if c == nil {
		return nil, nil
	}
	return ctx.Value(serverKey{}).(*Server), c
}

// serveHTTP calls the handler, and counts the calls: net/http does not wait for
// handlers whose connections it cuts.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	s.running.enter()
	defer s.running.leave()
	netconn.SnifferOf(r.Context().Value(connKey{})).HandlerCalled()
	if len(r.TransferEncoding) > 0 {
		// net/http does not say whether there was a Content-Length as well. If so,
		// the bytes that follow may be somebody else's request (golang/go#80942).
		w.Header().Set("Connection", "close")
	}
	if _, c := connOf(r.Context()); c != nil && r.ProtoMajor == 2 {
		c.GrantRequest(r.ContentLength)
		if r.ContentLength != 0 {
			r.Body = grantingBody{r.Body, c}
		}
	}
	if reason := misaddressed(r); reason != "" {
		s.refuseAddress(w, r, reason)
		return
	}
	if r.ContentLength >= netconn.MinDirect {
		if c, ok := r.Context().Value(connKey{}).(*netconn.HTTPConn); ok {
			c.SetBody(r.Body)
		}
	}
	if files := s.files.Load(); files != nil {
		if s.Login != nil {
			s.serveLogin(files, w, r)
		} else {
			s.admitted(files, r).ServeHTTP(w, r)
		}
		return
	}
	s.Handler.ServeHTTP(w, r)
}

// misaddressed returns what is wrong with the target of a request, or with its host, which net/http leaves to handlers;
// "": nothing.
func misaddressed(r *http.Request) string {
	switch {
	case r.Host != "" && !h1conn.ValidHost(r.Host):
		return "The field Host is malformed."
	case r.Method == http.MethodConnect, strings.HasPrefix(r.RequestURI, "/"), r.RequestURI == "*" && r.Method == http.MethodOptions:
		return ""
	case r.URL.Opaque != "" || r.URL.Host == "" || r.URL.Scheme != "http" && r.URL.Scheme != "https": // RFC 9112, 3.2.2
		return "The target of the request is neither a path nor a URL of this server."
	}
	return ""
}

// refuseAddress answers 400.
func (s *Server) refuseAddress(w http.ResponseWriter, r *http.Request, reason string) {
	w.Header().Set("Connection", "close")
	if files := s.files.Load(); files != nil {
		files.serveFor(w, r, requester{begin: time.Now(), refusal: &plan.Refusal{Status: http.StatusBadRequest, Reason: reason}})
		return
	}
	http.Error(w, "400 Bad Request: "+reason, http.StatusBadRequest)
}

// handOver gives a connection, of which first was read, to net/http, or closes it if
// that has ended.
func (s *Server) handOver(c *netconn.Conn, first []byte, secure bool) {
	var handed net.Conn
	if secure {
		below := netconn.NewHTTPConn(c, first, s.stallTimeout(), nil)
		if handed = s.handshake(below); handed == nil {
			_ = c.Close()
			return
		}
	} else {
		sniffer := netconn.NewErrorSniffer(c, netconn.FirstLine(first), s.refused)
		handed = netconn.NewHTTPConn(c, first, s.stallTimeout(), sniffer)
	}
	select {
	case s.handed <- handed:
	case <-s.noMore:
		_ = c.Close()
	}
}

// handedListener is where net/http accepts the connections that are handed over. It
// is closed when a Shutdown begins to wait for net/http. That is before the end of
// base: requests go on.
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

// counter counts the requests under way.
type counter struct {
	mu   sync.Mutex // guards the fields below
	n    int
	zero chan struct{} // closed when n is zero; nil: nobody waits
}

func (c *counter) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *counter) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 && c.zero != nil {
		close(c.zero)
		c.zero = nil
	}
}

// wait blocks until n is zero.
func (c *counter) wait() {
	c.mu.Lock()
	if c.n == 0 {
		c.mu.Unlock()
		return
	}
	if c.zero == nil {
		c.zero = make(chan struct{})
	}
	zero := c.zero
	c.mu.Unlock()
	<-zero
}
