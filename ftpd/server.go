package ftpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/spf13/afero"

	"sluice/ftpd/internal/dataconn"
	"sluice/internal/digest"
	"sluice/internal/live"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("ftpd: server closed")

var (
	errNobody = errors.New("ftpd: Server.FS and Server.Login are nil: nobody could log in")
	errNoTLS  = errors.New("ftpd: Server.TLSConfig is nil")
)

// Server is an FTP server. Set its fields before the first Serve and leave
// them alone afterwards. FS or Login is needed.
type Server struct {
	// FS is what "anonymous" and "ftp" see after a login with any password. They
	// only read, and names that begin with a dot are not there for them, but
	// .well-known, unless ShowHidden says so. Nil: no such login. The caller closes
	// it, if that is necessary, after the last session has ended.
	FS         afero.Fs
	ShowHidden bool

	// Login decides about every other name, and about those two as well if FS
	// is nil. It returns what the user may touch, or an error if there is no such
	// user or the password is wrong; any error, and a nil Account, is a failed
	// login: answered late and always alike, and counted against guessing.
	//
	// An error that wraps ErrUnavailable is no failed login: the client is told
	// that a login is not possible now. An Account without an FS is the same. An
	// error after the end of ctx does not count either.
	//
	// Login may be called from many goroutines at once, and may block: ctx ends
	// when the client goes away, has taken longer than LoginTimeout, or the
	// server stops. A panic of Login is logged and ends the session, as that of a
	// hook does; OnDisconnect is told of it. If Login is nil nobody else gets in.
	Login func(ctx context.Context, c Client, user, password string) (*Account, error)

	// Method forces a method: Copy in both directions, Sendfile for downloads,
	// Splice for uploads. Zero means the best for each.
	Method sendfile.Method

	// StallTimeout is how long a data connection may wait for the client
	// without moving a byte, and a reply for being taken. It bounds a stall,
	// not a transfer. Zero means one minute; negative, no bound.
	StallTimeout time.Duration

	// IdleTimeout is how long a client may be silent between two commands,
	// transfers not counted. Zero means five minutes; negative, no bound.
	IdleTimeout time.Duration

	// LoginTimeout is how long a client may take to log in, in all. Zero means
	// one minute; negative, no bound.
	LoginTimeout time.Duration

	// AcceptTimeout is how long a data connection may take to be opened, by
	// the client or to it. Zero means 30 seconds.
	AcceptTimeout time.Duration

	// SessionTimeout is how long a session may last, whatever it does. Zero
	// means that it may last for ever.
	SessionTimeout time.Duration

	// MaxConns bounds the sessions at one time, and MaxConnsPerAddr those of
	// one client: an address of IPv4, a network of 64 bits of IPv6. Who comes
	// when there are too many is told 421. Zero means any number.
	MaxConns, MaxConnsPerAddr int

	// Live counts and lists sessions and transfers, and may be shared with other
	// servers. Its limits take the place of MaxConns and MaxConnsPerAddr. If it
	// is nil, the Server has one of its own, which nobody sees.
	Live *Registry

	// TLSConfig is how TLS is done, for those who ask for it with AUTH and for
	// ServeTLS; nil means that there is none. It must have certificates. Its
	// keys for session tickets are used for data connections too.
	TLSConfig *tls.Config

	// TLS says whether clients may log in and move data without it.
	TLS TLSPolicy

	// Reuse says whether data connections resume the TLS session of their
	// control connection. Not all clients can: LaxReuse, if not nil, tells for
	// which users ReuseRequired means ReuseOffered.
	Reuse    SessionReuse
	LaxReuse func(user string) bool

	// MaxRate is how many bytes per second a transfer may take; zero means any
	// number. Where Account.MaxRatePerTransfer is less, that counts. The first
	// RateAfter bytes of a transfer are not held back by either.
	MaxRate   int64
	RateAfter int64

	// Limiter and UploadLimiter, if not nil, are asked before anything is sent
	// and received by data connections: what all transfers together may take.
	// They may be shared with other servers.
	Limiter, UploadLimiter Limiter

	// NoActive refuses PORT and EPRT: the server opens no connections.
	NoActive bool

	// LocalActive lets PORT and EPRT lead to this host, for clients that connect from
	// the same address of it. Without it they are refused there, because services that
	// trust this host would take what a client has uploaded for a request: a client
	// that comes through a tunnel or a proxy on this host seems to be on it.
	LocalActive bool

	// Listening, if not nil, returns the addresses on which the program listens besides
	// those that it serves by this Server. PORT and EPRT never lead to a port of this
	// host that is one of them, or one of this Server. It is called from many
	// goroutines at once.
	Listening func() []net.Addr

	// PassivePorts are the ports on which data connections are awaited, the
	// same on each address. A client holds one from PASV until it connects, and
	// shares it with clients of other addresses.
	PassivePorts PortRange

	// PublicAddrs tell PASV what to announce, by the network of the client; the
	// first one that it is in counts. By default it is the address that the
	// client has connected to.
	PublicAddrs []PublicAddr

	// InPlace, if not nil, tells whose uploads are written into the file itself,
	// rather than into a hidden one that takes its name when it is whole. The file
	// keeps its owner and its other names, programs that wait for its end see it
	// (inotify's close_write), and there need be no room for two of it. But others
	// see it half, and what breaks off has overwritten it.
	InPlace func(user string) bool

	// KeepPartials is how long the beginning of an upload that broke off is
	// kept, be it by a crash of this program, so that its user can go on by APPE
	// or REST. It is no file: SIZE alone tells it, to the user that has left it,
	// and a session goes on there only if it has asked that, or was told in the
	// reply that ended the upload. Zero means three days; negative, not at all.
	// See Sweep.
	KeepPartials time.Duration

	// Durability says what is on the disk when a client is told that its command
	// was done; zero is DurabilityFull. OnSync, if not nil, is called with each
	// wait for the disk, on the goroutine that waits.
	Durability Durability
	OnSync     func(Sync)

	// LaxTLS, if not nil, tells for which users a protected upload that ends
	// without TLS having told so counts as whole. Some clients never tell, but
	// then nobody can tell a whole file from one that was cut. LaxTLSName is what
	// the operator knows this by, and is named where such an upload fails; "" is
	// LaxTLS.
	LaxTLS     func(user string) bool
	LaxTLSName string

	// OnLogin, OnTransfer and OnDisconnect, if not nil, are called on the
	// goroutine of what they tell of, which waits for them. OnTransfer is
	// called once at the end of each RETR, STOR, STOU and APPE, refused ones
	// included if there was a data connection to be had, and before the client
	// gets the final reply.
	OnLogin      func(LoginAttempt)
	OnTransfer   func(Transfer)
	OnDisconnect func(Disconnect)

	// Logger gets panics, which end the session they come from and nothing else.
	// If it is nil, they go to slog.Default.
	Logger *slog.Logger

	driver *driver // of FromDriver; nil: there is none
	policy policy  // what it asks for

	waits   waits
	ports   dataconn.Pool
	digests digest.Cache
	guesses guesses
	limits  userLimits
	running sync.WaitGroup // sessions; added to with mu held and closing unset

	once     sync.Once // prepares the fields below
	unfit    error     // why nobody can be served
	guests   vfs.Tree  // of FS; nil: there are none
	registry *live.Registry
	tls      dataconn.Configs

	mu        sync.Mutex // guards the fields below
	closing   bool       // Shutdown or Close was called
	listeners map[*net.Listener]struct{}
	sessions  map[sessionOf]struct{}
}

// Serve accepts clients on ln, a TCP listener, and serves each on goroutines
// of its own. It blocks until ln fails or is closed, and returns why; after
// Shutdown or Close that is ErrServerClosed. It closes ln. Clients it has
// accepted are served on.
func (s *Server) Serve(ln net.Listener) error { return s.serve(ln, false) }

// ServeTLS is Serve for clients that begin with a TLS handshake (implicit
// FTPS, port 990), whose data is protected unless they send PROT C.
func (s *Server) ServeTLS(ln net.Listener) error { return s.serve(ln, true) }

func (s *Server) serve(ln net.Listener, implicit bool) error {
	defer ln.Close()
	if err := s.prepare(); err != nil {
		return err
	}
	implicit = implicit || s.policy.implicit
	switch {
	case s.FS == nil && s.Login == nil:
		return errNobody
	case s.TLSConfig == nil && (implicit || s.TLS == TLSRequired):
		return errNoTLS
	}
	if !s.trackListener(&ln) {
		return ErrServerClosed
	}
	defer s.forgetListener(&ln)
	var pause dataconn.Pause
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			pause.Reset()
			s.welcome(conn, implicit)
		case s.isClosing():
			return ErrServerClosed
		case !pause.Passes(err):
			return fmt.Errorf("ftpd: %w", err)
		}
	}
}

// sessionOf is a session of one of the two engines.
type sessionOf interface {
	drain()          // ends it, after the transfer under way
	cut(cause error) // ends it at once
}

// prepare makes what all sessions share of what the fields say, once. It returns
// why nobody can be served, which only a driver knows of.
func (s *Server) prepare() error {
	s.once.Do(func() {
		if s.driver != nil {
			s.unfit = s.driver.configure(s)
		}
		if s.unfit == nil {
			s.share()
		}
	})
	return s.unfit
}

func (s *Server) share() {
	if s.registry = s.Live; s.registry == nil {
		s.registry = &live.Registry{MaxConns: s.MaxConns, MaxConnsPerAddr: s.MaxConnsPerAddr}
	}
	if s.FS != nil {
		s.guests = vfs.Of(s.FS)
	}
	s.ports.Ports = s.PassivePorts
	s.driver.passivePorts(&s.ports)
	s.tls = dataconn.NewConfigs(s.TLSConfig, s.Reuse != ReuseOff)
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// trackListener reports whether ln may be served; ln is a pointer because not
// every listener can be compared.
func (s *Server) trackListener(ln *net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	if s.listeners == nil {
		s.listeners = make(map[*net.Listener]struct{})
		s.sessions = make(map[sessionOf]struct{})
	}
	s.listeners[ln] = struct{}{}
	return true
}

func (s *Server) forgetListener(ln *net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
}
