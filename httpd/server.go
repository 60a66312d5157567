package httpd

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// The limits of a request. They bound what a client can make us wait and
// remember before it has a response; the response is bounded by
// Handler.StallTimeout alone, because a large file takes its time.
const (
	headerTimeout  = 15 * time.Second
	requestTimeout = time.Minute // header and whatever body, which we read only to drop it
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
)

// Server is an HTTP server for one tree. Set the fields before Serve.
type Server struct {
	Handler Handler

	// Logger gets what goes wrong outside any request. Nil drops it.
	Logger *slog.Logger

	once sync.Once
	http http.Server

	mu      sync.Mutex    // guards the fields below
	running int           // requests being answered
	ended   chan struct{} // closed when there are none; nil: nobody waits
}

// Serve answers the connections of ln until Shutdown or Close, and then
// returns http.ErrServerClosed at once, while Shutdown still waits. It closes
// ln. It may be called for several listeners.
func (s *Server) Serve(ln net.Listener) error {
	s.once.Do(s.prepare)
	return s.http.Serve(listener{ln, s.Handler.stallTimeout()})
}

// Shutdown closes the listeners and the idle connections and waits until the
// other connections have had their response, or until ctx ends; then it cuts
// them and returns ctx's error. When it returns, every request has been told
// to Handler.OnRequest.
func (s *Server) Shutdown(ctx context.Context) error {
	s.once.Do(s.prepare)
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.Close()
	}
	return err
}

// Close closes the listeners, cuts all connections and waits for the requests
// that they had, which takes no longer than the disk needs.
func (s *Server) Close() error {
	s.once.Do(s.prepare)
	err := s.http.Close()
	s.await()
	return err
}

// serveHTTP is the Handler's, counted: net/http does not wait for handlers
// whose connections it cuts.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.running++
	s.mu.Unlock()
	defer s.leave()
	s.Handler.ServeHTTP(w, r)
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running--; s.running == 0 && s.ended != nil {
		close(s.ended)
		s.ended = nil
	}
}

// await blocks until no request is being answered.
func (s *Server) await() {
	s.mu.Lock()
	if s.running == 0 {
		s.mu.Unlock()
		return
	}
	if s.ended == nil {
		s.ended = make(chan struct{})
	}
	ended := s.ended
	s.mu.Unlock()
	<-ended
}

func (s *Server) prepare() {
	logger := s.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s.http = http.Server{
		Handler:                      http.HandlerFunc(s.serveHTTP),
		ReadHeaderTimeout:            headerTimeout,
		ReadTimeout:                  requestTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true, // ours knows what is allowed
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
}

// connKey is the context key of the *conn that a request came by.
type connKey struct{}

// listener makes connections that keep the fast road.
type listener struct {
	net.Listener
	stall time.Duration
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{c, l.stall}, nil
}
