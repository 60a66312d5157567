package ftpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/spf13/afero"

	"sluice/ftpd/internal/dataconn"
	"sluice/internal/budget"
	"sluice/internal/digest"
	"sluice/internal/live"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// ErrServerClosed is the error of Serve after Shutdown or Close.
var ErrServerClosed = errors.New("ftpd: server closed")

var (
	errNoLogins = errors.New("ftpd: Server.FS and Server.Login are nil: nobody could log in")
	errNoTLS    = errors.New("ftpd: Server.TLSConfig is nil")
)

// Server is an FTP server. Set its fields before the first Serve and leave
// them alone afterwards. FS or Login is needed.
type Server struct {
	// FS is the file system of the users "anonymous" and "ftp", who log in with any
	// password. They only read. Names that begin with a dot do not exist for them,
	// except .well-known, unless ShowHidden is set. If FS is nil, nobody logs in
	// anonymously. The caller closes FS, if it needs closing, after the last session.
	FS         afero.Fs
	ShowHidden bool

	// Login decides about every other name, and about those two as well if FS is
	// nil. It returns the account of the user, or an error if the user does not exist
	// or the password is wrong. Any error, and a nil Account, is a failed login: the
	// reply is delayed and always the same, and Throttle counts the failure against the
	// client's address and the name.
	//
	// An error that wraps ErrUnavailable does not count as a failed login: the reply
	// says that a login is not possible now. The same holds for an Account without an
	// FS. An error after the end of ctx does not count either.
	//
	// Login may be called from many goroutines at once, and may block. ctx ends when
	// the client disconnects or exceeds LoginTimeout, or when the server stops. A
	// panic of Login, as of a hook, is logged and ends the session; OnDisconnect
	// reports it. If Login is nil, only anonymous users log in.
	Login func(ctx context.Context, c Client, user, password string) (*Account, error)

	// Throttle counts failed logins, delays their replies, and refuses addresses with too
	// many. Servers of several protocols can share one. If it is nil, the Server has its
	// own.
	Throttle *Throttle

	// UserRates has the rates of users. Servers of several protocols can share one, so that
	// the MaxRate of a user holds for all of them together, as its MaxSessions does if they
	// share Live. If it is nil, the Server has its own.
	UserRates *UserRates

	// Budget is what all clients share: turns to compute checksums and to read directories,
	// and the memory for that. Servers of several protocols can share one, so that no client
	// takes it from the others. If it is nil, the Server has its own.
	Budget *Budget

	// Method forces a transfer method: Copy in both directions, Sendfile for
	// downloads, Splice for uploads. Zero means the fastest that works.
	Method sendfile.Method

	// StallTimeout is how long a data connection may go without moving a byte, and a
	// reply without the client reading it. It bounds a stall, not the transfer. Zero
	// means five minutes; negative, no limit. The connection is then reset.
	StallTimeout time.Duration

	// IdleTimeout is how long a client may be silent between two commands,
	// transfers not counted. Zero means five minutes; negative, no limit.
	IdleTimeout time.Duration

	// LoginTimeout is how long a client may take to log in, in all. Zero means
	// one minute; negative, no limit.
	LoginTimeout time.Duration

	// AcceptTimeout bounds the opening of a data connection, passive or active.
	// Zero means 30 seconds.
	AcceptTimeout time.Duration

	// SessionTimeout is how long a session may last, active or not. Zero means no
	// limit.
	SessionTimeout time.Duration

	// MaxConns limits the sessions at one time, and MaxConnsPerAddr those of one
	// client: an IPv4 address, or a /64 network of IPv6. Connections beyond a limit
	// get 421. Zero means no limit.
	MaxConns, MaxConnsPerAddr int

	// Live counts and lists sessions and transfers, and may be shared with other
	// servers. Its limits replace MaxConns and MaxConnsPerAddr. If Live is nil, the
	// Server makes a private one.
	Live *Registry

	// TLSConfig is the configuration for AUTH TLS and for ServeTLS; nil turns TLS
	// off. It must have certificates. Its session ticket keys are used for data
	// connections too.
	TLSConfig *tls.Config

	// TLS says whether clients may log in and transfer data without TLS.
	TLS TLSPolicy

	// Reuse says whether data connections resume the TLS session of their control
	// connection. Not all clients can: if LaxReuse is not nil and returns true for a
	// user, ReuseRequired means ReuseOffered for that user.
	Reuse    SessionReuse
	LaxReuse func(user string) bool

	// MaxRate limits each transfer, in bytes per second; zero means no limit. If
	// Account.MaxRatePerTransfer is lower, that one holds. Neither slows the first
	// RateAfter bytes of a transfer.
	MaxRate   int64
	RateAfter int64

	// Limiter and UploadLimiter, if not nil, limit all downloads together and all
	// uploads together. They may be shared with other servers.
	Limiter, UploadLimiter Limiter

	// NoActive refuses PORT and EPRT: the server opens no connections.
	NoActive bool

	// LocalActive lets PORT and EPRT name a port of this host, for clients that
	// connect from the same address of it. Without LocalActive they are refused,
	// because a service that trusts this host could take an uploaded file for a
	// request, and a client that comes through a tunnel or a proxy on this host seems
	// to be on it.
	LocalActive bool

	// Listening, if not nil, returns the addresses on which the program listens apart
	// from the listeners of this Server. PORT and EPRT are never obeyed if they name
	// one of these ports, or one of this Server, on this host. Listening is called
	// from many goroutines at once.
	Listening func() []net.Addr

	// PassivePorts is the range of ports for passive data connections, the same on
	// each address. A client occupies one from PASV until it connects; clients with
	// other addresses can use the same port meanwhile.
	PassivePorts PortRange

	// PublicAddrs lists the addresses that PASV announces, by the network of the
	// client; the first match holds. The default is the address to which the client
	// has connected.
	PublicAddrs []PublicAddr

	// ProxyFrom holds the addresses of trusted load balancers. They must begin each connection, also those to passive
	// ports, with a header of the PROXY protocol (version 1 or 2), which says who the client is and to which address it
	// has connected; PASV announces that address, if PublicAddrs has no other. A connection from them without a header is
	// closed within five seconds. The empty list trusts nobody. Active data connections do not go through the proxy.
	ProxyFrom []netip.Prefix

	// InPlace, if not nil, returns true for users whose uploads are written into the
	// target file itself, rather than into a hidden file that is renamed when it is
	// complete. Then the file keeps its owner and its hard links, programs that wait
	// for its end see it (inotify's close_write), and the disk need not have room for
	// two copies. But other clients can read an incomplete file, and an upload that
	// breaks off has overwritten the old content.
	InPlace func(user string) bool

	// KeepPartials is how long the server keeps the received part of an upload that
	// broke off, even by a crash of this program, so that the user can resume it with
	// APPE or REST. Only SIZE shows that part, and only to the user that uploaded it.
	// A session resumes it only after SIZE, or the reply that ended the upload, has
	// named its size. Zero means three days; negative, nothing is kept. See Sweep.
	KeepPartials time.Duration

	// Durability says which changes are on the disk before the client gets the reply;
	// zero is DurabilityFull. OnSync, if not nil, is called after each wait for the
	// disk, on the goroutine that waited.
	Durability Durability
	OnSync     func(Sync)

	// LaxTLS, if not nil, returns true for users whose uploads over TLS count as
	// complete even without close_notify. Some clients never send that alert, but
	// without it an upload that was cut off cannot be distinguished from a complete
	// one. LaxTLSName is the name of the option that sets LaxTLS, for the error of
	// such an upload; "" means "LaxTLS".
	LaxTLS     func(user string) bool
	LaxTLSName string

	// OnLogin, OnTransfer, OnChange and OnDisconnect, if not nil, are called on the session's
	// own goroutine, which waits for them. OnChange is called before the reply to each
	// command that changes files without a transfer, also if it fails. OnTransfer is called once at the end of
	// each RETR, STOR, STOU and APPE, before the client gets the final reply. It is
	// also called for a refused command, if the client had agreed on a data connection.
	OnLogin      func(LoginAttempt)
	OnTransfer   func(Transfer)
	OnChange     func(FileChange)
	OnDisconnect func(Disconnect)

	// Logger logs panics, which end their session and nothing else, and commands that other
	// clients have held back for long. If it is nil, slog.Default is used.
	Logger *slog.Logger

	driver *driver // from FromDriver; else nil
	policy policy  // derived from the driver's settings

	delays   delays
	ports    dataconn.Pool
	digests  digest.Cache
	throttle Throttle       // used if Throttle is nil
	ownRates UserRates      // used if UserRates is nil
	running  sync.WaitGroup // sessions; Add is called with mu held and closing unset

	once          sync.Once // prepares the fields below
	configErr     error     // why the server cannot serve; nil: it can
	anonymousTree vfs.Tree  // the tree of FS; nil: no anonymous logins
	registry      *live.Registry
	budget        *budget.Budget
	tls           dataconn.Configs

	mu        sync.Mutex // guards the fields below
	closing   bool       // Shutdown or Close was called
	listeners map[*net.Listener]struct{}
	sessions  map[trackedSession]struct{}
	headless  map[net.Conn]struct{} // connections that await the header of a proxy
}

// Serve accepts clients on ln, a TCP listener, and serves each on goroutines of its
// own. It blocks until ln fails or is closed, and returns the reason; after Shutdown
// or Close that is ErrServerClosed. It closes ln. Sessions that have begun continue.
func (s *Server) Serve(ln net.Listener) error { return s.serve(ln, false) }

// ServeTLS is Serve for clients that begin with a TLS handshake (implicit FTPS, port
// 990). Their data is protected too, unless they send PROT C.
func (s *Server) ServeTLS(ln net.Listener) error { return s.serve(ln, true) }

func (s *Server) serve(ln net.Listener, implicit bool) error {
	defer ln.Close()
	if err := s.prepare(); err != nil {
		return err
	}
	implicit = implicit || s.policy.implicit
	switch {
	case s.FS == nil && s.Login == nil:
		return errNoLogins
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
			s.accept(conn, implicit)
		case s.isClosing():
			return ErrServerClosed
		case !pause.RetryAfter(err):
			return fmt.Errorf("ftpd: %w", err)
		}
	}
}

// trackedSession is a session of this engine, or of ftpserverlib's (see Driver).
type trackedSession interface {
	drain()          // ends it, after the transfer under way
	cut(cause error) // ends it at once
}

// prepare derives from the fields what all sessions share. Only the first call does
// the work. It returns an error if the driver's settings cannot be honoured.
func (s *Server) prepare() error {
	s.once.Do(func() {
		if s.driver != nil {
			s.configErr = s.driver.configure(s)
		}
		if s.configErr == nil {
			s.initShared()
		}
	})
	return s.configErr
}

func (s *Server) initShared() {
	if s.registry = s.Live; s.registry == nil {
		s.registry = &live.Registry{MaxConns: s.MaxConns, MaxConnsPerAddr: s.MaxConnsPerAddr}
	}
	s.budget = budget.Of(s.Budget)
	s.digests.Turns = s.budget.Checksums
	if s.FS != nil {
		s.anonymousTree = vfs.Of(s.FS)
	}
	s.ports.Ports = s.PassivePorts
	if len(s.ProxyFrom) > 0 {
		s.ports.IsProxy, s.ports.OnHeaderless = s.isProxy, s.logHeaderless
	}
	s.driver.passivePorts(&s.ports)
	s.tls = dataconn.NewConfigs(s.TLSConfig, s.Reuse != ReuseOff)
}

func (s *Server) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.Default()
	}
	return s.Logger
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// trackListener notes ln for Shutdown and Close, and reports false if they were
// called already. ln is a pointer because not every net.Listener is comparable.
func (s *Server) trackListener(ln *net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	if s.listeners == nil {
		s.listeners = make(map[*net.Listener]struct{})
		s.sessions = make(map[trackedSession]struct{})
	}
	s.listeners[ln] = struct{}{}
	return true
}

func (s *Server) forgetListener(ln *net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
}
