package httpd

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
	"sluice/internal/live"
)

// Server is an HTTP server. Set the fields before Serve.
//
// If Handler is a [*Handler], plain requests over TCP and unix sockets are answered
// on a fast path of this package, and all others by net/http: requests over TLS or
// HTTP/2, with a body or a method that is neither GET nor HEAD, and those that are not
// valid to the letter. Both paths give the same responses. A malformed Host, and a
// target that is neither a path nor a URL, are answered 400, empty lines before a request
// are skipped, and a client that ends its side after a request gets the whole response. In
// another http.Server such a client gets no checksum and no archive, because net/http ends
// the context of its request.
//
// Any other http.Handler is served by net/http. A [*Handler] that it calls, behind
// middleware or a mux, still sends files past the buffers of net/http by
// sendfile(2), if the middleware passes on the ResponseWriter, or one with the methods
// ReadFrom and Flush.
type Server struct {
	// Handler answers the requests. Nil answers 404.
	Handler http.Handler

	// StallTimeout is the longest wait in which a client takes nothing of its
	// response, whatever Handler.StallTimeout says. Zero means five minutes; negative
	// means for ever. The connection is then reset, and over HTTP/2 the stream, unless
	// the client takes nothing of any stream.
	StallTimeout time.Duration

	// MinRate is how many bytes per second a client must take, on average over
	// StallTimeout, or over a minute if that is not positive, or its connection is
	// reset. Only the time of sending counts. Zero means no minimum.
	MinRate int64

	// OnTransfer, if not nil, is called once for each request that a [*Handler]
	// without an OnTransfer of its own has answered, and for each that was refused
	// before a handler was called, by several goroutines at once.
	//
	// The goroutine that has answered a request calls it, and waits for it to return. For
	// the responses that event loops have sent (see [Listener]) one goroutine of the
	// Listener calls it soon afterwards, in the order in which each loop has sent them. If
	// it hangs, the loops go on until some hundred responses wait for it; from then on each
	// connection waits for a call of its own. If it panics, the connection is cut.
	OnTransfer func(Transfer)

	// Logger gets the errors outside of requests, and when sessions begin and end. Nil
	// drops them.
	Logger *slog.Logger

	// HeaderTimeout is how long the header of a request may take from its
	// first byte on. Zero means ten seconds; negative means for ever. The body of a
	// request for a file is dropped, and may take a minute; any other handler sets a
	// deadline by http.ResponseController.
	HeaderTimeout time.Duration

	// IdleTimeout is how long a connection may wait for its next request, or
	// its first. Zero means 75 seconds; negative means for ever. The end may be
	// late by a fifth.
	IdleTimeout time.Duration

	// MaxConns bounds the connections at one time, and MaxConnsPerAddr those of
	// one client: an IPv4 address, or an IPv6 network of 64 bits. Connections beyond
	// the limit get 503, or are closed if they are for TLS. Zero means no bound but the
	// number of descriptors that the process may have.
	MaxConns, MaxConnsPerAddr int

	// Live counts and lists connections and transfers, and may be shared with
	// other servers. Its limits replace MaxConns and MaxConnsPerAddr. If it is nil, the
	// Server has one of its own.
	Live *Registry

	// TLSConfig is for ServeTLS, which does not change it and adds HTTP/2.
	TLSConfig *tls.Config

	// ProxyFrom holds the addresses of trusted proxies, which say who the client is:
	// connections from there may begin with a header of the PROXY protocol, version 1
	// or 2, and their requests may have a field X-Forwarded-For or, if there is none,
	// Forwarded (RFC 7239). The client is the first address from the right in it that
	// is not one of these proxies. It becomes Transfer.Remote, with port 0 if the field
	// has none. A proxy that writes Forwarded must remove the other field.
	// MaxConnsPerAddr does not hold for the connections of such proxies. A unix socket
	// counts as 127.0.0.1. Nil means no trusted proxies.
	ProxyFrom []netip.Prefix

	// Login, if not nil, returns the account of the user with that name and password.
	// Then Handler must be a [*Handler], which is not used by another server. It is for
	// guests: clients that send no password. If its FS is nil, they are asked for one.
	//
	// Passwords come by Basic authentication (RFC 7617), and only by TLS, or from this
	// host (a loopback address, or a unix socket), unless InsecureLogin is set. Any
	// other request with a password, or for one, gets 403. X-Forwarded-Proto does not
	// count.
	//
	// Login is called for each request with a password, on its goroutine, so it should
	// remember passwords that were right. It returns ErrLogin, or an error that wraps it,
	// for a wrong one; any other error but ErrUnavailable counts as that.
	//
	// The user gets the files of the account, below Home, with the options of Accounts:
	// without the right Read there are none, and without List no listings and no
	// archives. Rights, limits and names that HideDotFiles hides are as by FTP.
	// MaxSessions counts connections.
	Login func(ctx context.Context, c Client, user, password string) (*Account, error)

	// Accounts has the options for the accounts of Login, and the limits that they
	// share. Its FS, ShowHidden and User are not used. Its Write limits the rights of
	// accounts to change files: zero means that none may, by HTTP. Nil means those of
	// Handler.
	Accounts *Handler

	// Sessions, if not nil, gives browsers a login page, and keeps who has logged in there.
	// It needs Login and AccountOf. See "Login page" in the documentation of the package.
	Sessions *Sessions

	// AccountOf returns the present account of a user who has logged in by the login page
	// before; user is the name that was typed. It is called for each request of a session,
	// so it must be fast. If the error is or wraps ErrLogin, there is no such user any
	// more, and the session ends, as it does if Account.PasswordID is not that of the
	// login. With any other error but ErrUnavailable the client is a guest for this request.
	AccountOf func(ctx context.Context, c Client, user string) (*Account, error)

	// Throttle counts failed logins, delays their responses, and refuses addresses with
	// too many, except those of this host. Servers of several protocols can share one. If
	// it is nil, the Server has its own.
	Throttle *Throttle

	// Guests, if not nil, reports whether guests at an address may see what Handler shows.
	// The address is that of Transfer.Remote; it is invalid for a unix socket without a
	// proxy. All other guests are answered as if the Handler had no FS. It is called for
	// each request of a guest, by many goroutines at once, so it must be quick. Handler
	// must be a [*Handler].
	Guests func(client netip.Addr) bool

	// UserRates has the rates of users. Servers of several protocols can share one, so that
	// the MaxRate of a user holds for all of them together, as its MaxSessions does if they
	// share Live. If it is nil, the Server has its own.
	UserRates *UserRates

	// InsecureLogin allows passwords without TLS, which everybody on the way can read.
	InsecureLogin bool

	// NoFastPath makes net/http answer all requests.
	NoFastPath bool

	// NoLoop serves each connection on a goroutine of its own, also where event loops are
	// possible: see [Listener].
	NoLoop bool

	once     sync.Once
	files    atomic.Pointer[Handler] // Handler, if it is one, or that of SetHandler; else nil
	empty    atomic.Pointer[Handler] // files without its FS, for those that Guests refuses
	http     http.Server
	logger   *slog.Logger
	tls      *tls.Config
	registry *live.Registry
	fast     h1conn.Server
	conns    netconn.Set     // except those that net/http serves
	handed   chan net.Conn   // to net/http
	noMore   chan struct{}   // closed when net/http takes over no more connections
	closing  atomic.Bool     // by Shutdown or Close
	running  counter         // requests that net/http has given to the Handler
	accounts accountHandlers // of Login
	logins   failedLogins
	ownRates UserRates    // used if UserRates is nil
	refusing atomic.Int32 // connections that are being refused
	base     context.Context
	cancel   context.CancelFunc // ends base

	maxUnsure time.Duration // zero: that of the constant

	mu        sync.Mutex // guards the fields below
	listeners map[net.Listener]struct{}
	loops     []servedLoops
}

const (
	defaultHeaderTimeout = 10 * time.Second
	defaultIdleTimeout   = 75 * time.Second

	maxHeaderBytes = 32 << 10
)

// requestTimeout is for a header and a body, which a *Handler reads only to drop it.
// It is a variable for the tests.
var requestTimeout = time.Minute

func (s *Server) headerTimeout() time.Duration {
	return timeout(s.HeaderTimeout, defaultHeaderTimeout)
}

func (s *Server) stallTimeout() time.Duration { return timeout(s.StallTimeout, defaultStallTimeout) }

func (s *Server) idleTimeout() time.Duration { return timeout(s.IdleTimeout, defaultIdleTimeout) }

// timeout resolves a field with a timeout. It returns zero for none.
func timeout(field, ifZero time.Duration) time.Duration {
	if field == 0 {
		return ifZero
	}
	return max(field, 0)
}

// Serve answers the connections of ln until Shutdown or Close, and then
// returns http.ErrServerClosed at once, while Shutdown still waits. It closes
// ln. It may be called for several listeners.
//
// The fast path serves the connections that have a descriptor, as those of
// package net do, and net/http the others.
func (s *Server) Serve(ln net.Listener) error { return s.serve(ln, false) }

// ServeTLS is Serve for connections that begin with TLS, as TLSConfig says.
func (s *Server) ServeTLS(ln net.Listener) error {
	if s.TLSConfig == nil {
		_ = ln.Close()
		return errors.New("httpd: ServeTLS needs Server.TLSConfig")
	}
	return s.serve(ln, true)
}

func (s *Server) serve(ln net.Listener, secure bool) error {
	s.once.Do(s.prepare)
	defer ln.Close()
	if (s.Login != nil || s.Guests != nil) && s.files.Load() == nil {
		return errors.New("httpd: Server.Login and Server.Guests need a Server.Handler that is a *Handler")
	}
	if s.Sessions != nil && (s.Login == nil || s.AccountOf == nil) {
		return errors.New("httpd: Server.Sessions needs Server.Login and Server.AccountOf")
	}
	if !s.track(ln) {
		return http.ErrServerClosed
	}
	defer s.untrack(ln)
	if !secure {
		if ok, err := s.serveByLoops(ln); ok || err != nil {
			return err
		}
	}
	return s.accept(ln, secure)
}

// SetHandler makes h answer the requests that begin from now on, in place of Handler,
// which must be a [*Handler] or nil. It may be called at any time; requests under way
// are completed by the Handler that has begun them. The caller closes that one.
func (s *Server) SetHandler(h *Handler) {
	if s.Login != nil {
		s.accounts.adopt(h, s.accountOptions(h))
		s.accounts.close() // those of the directory that was served before
	}
	s.empty.Store(s.withoutFiles(h))
	s.files.Store(h)
}

func (s *Server) prepare() {
	logger := s.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s.logger = logger
	if s.Handler == nil {
		s.Handler = new(Handler)
	}
	if s.Login != nil {
		if s.logins.throttle = s.Throttle; s.logins.throttle == nil {
			s.logins.throttle = new(Throttle)
		}
	}
	if files, ok := s.Handler.(*Handler); ok {
		if s.Login != nil {
			s.accounts.adopt(files, s.accountOptions(files))
		}
		s.empty.CompareAndSwap(nil, s.withoutFiles(files))
		s.files.CompareAndSwap(nil, files) // unless SetHandler was called before
	}
	s.base, s.cancel = context.WithCancel(context.Background())
	if s.registry = s.Live; s.registry == nil {
		s.registry = &live.Registry{MaxConns: s.MaxConns, MaxConnsPerAddr: s.MaxConnsPerAddr}
	}
	s.handed, s.noMore = make(chan net.Conn), make(chan struct{})
	s.http = http.Server{
		Handler:                      http.HandlerFunc(s.serveHTTP),
		ReadHeaderTimeout:            s.headerTimeout(),
		IdleTimeout:                  s.idleTimeout(),
		MaxHeaderBytes:               maxHeaderBytes,
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		DisableGeneralOptionsHandler: true, // a *Handler answers OPTIONS * itself
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), serverKey{}, s)
		},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			if state == http.StateIdle { // between two requests, after all of a response was written
				netconn.SnifferOf(c).RequestEnded()
			}
		},
	}
	s.fast = h1conn.Server{
		Handler:       func() *h1conn.Handler { return s.files.Load().prepared() },
		Logins:        s.Login != nil,
		Base:          s.base,
		Closing:       &s.closing,
		HeaderTimeout: s.headerTimeout(),
		IdleTimeout:   s.idleTimeout(),
		StallTimeout:  s.stallTimeout(),
		SessionCookie: sessionCookieEnd(s.Sessions),
		OnTransfer:    s.OnTransfer,
		ClientOf:      s.clientOf,
		Admits:        s.Guests,
		Refused:       s.refused,
	}
	if s.files.Load() != nil {
		s.http.ReadTimeout = requestTimeout // any other handler sets its own deadlines
	}
	if s.TLSConfig != nil {
		s.tls = s.TLSConfig.Clone()
		if len(s.tls.NextProtos) == 0 {
			s.tls.NextProtos = []string{"h2", "http/1.1"}
		}
		s.http.TLSConfig = s.tls.Clone() // net/http changes it while connections use s.tls
	}
	go func() { _ = s.http.Serve(handedListener{s}) }() // until Shutdown or Close
}

// Shutdown closes the listeners and the idle connections and waits until the
// other connections have had their response, or until ctx ends; then it cuts
// them and returns ctx's error. When it returns, OnTransfer has been called for every
// request.
func (s *Server) Shutdown(ctx context.Context) error {
	s.once.Do(s.prepare)
	s.closeListeners()
	s.http.SetKeepAlivesEnabled(false) // its idle connections end now
	s.conns.Close((*netconn.Conn).EndIdle)
	for _, loops := range s.allLoops() {
		loops.BeginDrain()
	}
	err := s.conns.Wait(ctx) // some may still be handed over to net/http
	for _, loops := range s.allLoops() {
		err = cmp.Or(err, loops.Wait(ctx))
	}
	if err == nil {
		err = s.http.Shutdown(ctx)
	}
	if err != nil {
		_ = s.Close()
	}
	s.cancel()
	s.accounts.close()
	return err
}

// Close closes the listeners, cuts all connections and waits for the requests under
// way, which takes no longer than the disk needs.
func (s *Server) Close() error {
	s.once.Do(s.prepare)
	s.closeListeners()
	s.cancel()
	s.conns.Close((*netconn.Conn).Cut)
	err := s.http.Close()
	for _, loops := range s.allLoops() {
		loops.Cut()
	}
	_ = s.conns.Wait(context.Background())
	s.running.wait()
	s.accounts.close()
	return err
}

// track reports whether ln may be served.
func (s *Server) track(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	if s.listeners == nil {
		s.listeners = make(map[net.Listener]struct{})
	}
	s.listeners[ln] = struct{}{}
	return true
}

func (s *Server) untrack(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
}

func (s *Server) closeListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	for ln := range s.listeners {
		_ = ln.Close()
	}
}
