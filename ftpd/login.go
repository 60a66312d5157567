package ftpd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime/debug"
	"time"

	"sluice/internal/account"
	"sluice/internal/durable"
	"sluice/internal/live"
	"sluice/internal/vfs"
)

// anonymous is the name of a user without an account in hooks.
const anonymous = account.Anonymous

// maxFailed is the number of wrong passwords that ends a session.
const maxFailed = 3

var replyBanned = newReply(421, "Too many failed logins from your address, try again later")

var (
	errFailed = errors.New("too many wrong passwords")
	errHome   = errors.New("home directory cannot be opened")
	errNoFS   = fmt.Errorf("%w: the FS of the account is nil", ErrUnavailable)
)

// userCommand answers USER. It ends the current login (RFC 959, 4.1.1). The reply does
// not show whether the name is known.
func (s *session) userCommand(name string) reply {
	s.logOut()
	if r, done := s.server.driver.verifyUser(s, name); done {
		return r
	}
	if s.mustProtect() && !s.secured {
		if !s.reportedTLS { // once: it costs the client nothing
			s.reportedTLS = true
			s.reportLogin(name, ErrTLSNeeded)
		}
		return newReply(530, "Encryption is required: send AUTH TLS first")
	}
	s.name = name
	return newReply(331, "Password required")
}

// pass answers PASS. The reply to a failure is delayed, against guessing, and always
// the same (RFC 2577, 5 and 6).
func (s *session) pass(password string) reply {
	name := s.name
	if name == "" {
		return newReply(503, "Send USER first")
	}
	s.name = ""
	dir := s.dir()
	u, err := s.login(name, password)
	if err != nil {
		s.setDir(dir) // Server.Login may have changed it through the Client
	}
	return s.completeLogin(name, u, err)
}

// completeLogin completes a login as name and returns the reply: u has logged in, or the
// login has failed with err.
func (s *session) completeLogin(name string, u *user, err error) reply {
	s.user = u // before the hook: if that panics, the end of the session closes u
	s.reportLogin(name, err)
	text := s.server.driver.authMessage(s, name, err)
	switch {
	case err == nil:
		s.stopTimer(loginTimer)
		return newReply(230, textOr(text, "Logged in")...)
	case errors.Is(err, ErrBanned):
		s.afterReply = func() error { return ErrBanned }
		return replyBanned
	case err == live.ErrTooManyOfUser:
		return newReply(530, "Too many sessions of this user")
	case errors.Is(err, errHome): // the password was right
		return newReply(530, "The home directory cannot be opened")
	case errors.Is(err, ErrUnavailable):
		return newReply(530, "Login is not possible now")
	case !errors.Is(err, ErrLogin): // the session ended before the password was checked
		return replyNoLogin
	}
	pause(s.ctx, s.server.loginThrottle().Failed(name, s.host))
	if s.failed++; s.failed == maxFailed {
		s.afterReply = func() error { return errFailed }
	}
	return newReply(530, textOr(text, "Login incorrect")...)
}

// reportLogin calls the hook for logins.
func (s *session) reportLogin(name string, err error) {
	if hook := s.server.OnLogin; hook != nil {
		hook(LoginAttempt{Session: s.id, Remote: s.remote, User: name, Err: err})
	}
}

// textOr returns text, or the line fallback if text is nil.
func textOr(text []string, fallback string) []string {
	if text == nil {
		return []string{fallback}
	}
	return text
}

// login checks the password, returns the user, and counts the session as that user's. If
// the client disconnects meanwhile, the context of the session ends.
func (s *session) login(name, password string) (u *user, err error) {
	s.readAheadDuring(func() {
		var a *Account
		if a, err = s.server.authenticate(s.ctx, s.loginClient, s.host, name, password); err == nil {
			u, err = s.userFor(a, name)
		}
	})
	return u, err
}

// authenticate returns the account of the user with that name and password, or why
// there is none. ctx is the context of the session; host is the client's address.
func (s *Server) authenticate(ctx context.Context, client func() Client, host netip.Addr, name, password string) (*Account, error) {
	throttle := s.loginThrottle()
	banned := throttle.IsBanned(host) // usually because of other clients there
	switch {
	case s.anonymousTree != nil && account.IsAnonymous(name):
		return &Account{Name: anonymous, FS: s.anonymousTree, Rights: ReadOnly, HideDotFiles: !s.ShowHidden}, nil
	case !throttle.Admits(name, host):
		return nil, ErrBanned
	case s.Login == nil:
		return nil, ErrLogin
	}
	a, err := s.Login(ctx, client(), name, password)
	switch {
	case err == nil && a != nil:
		if !account.IsAnonymous(name) {
			throttle.Succeeded(name, host)
		}
		return a, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, ErrUnavailable):
		return nil, err
	case err == nil:
		err = ErrLogin
	case !errors.Is(err, ErrLogin):
		err = fmt.Errorf("%w: %w", ErrLogin, err)
	}
	if banned {
		throttle.Failed(name, host) // without a delay: the reply is that to a ban
		err = fmt.Errorf("%w: %w", ErrBanned, err)
	}
	return nil, err
}

// loginThrottle returns the Throttle in use.
func (s *Server) loginThrottle() *Throttle {
	if s.Throttle != nil {
		return s.Throttle
	}
	return &s.throttle
}

// loginClient returns the session for Server.Login.
func (s *session) loginClient() Client {
	c := Client{ClientContext: s.driverContext(), Session: s.id, Remote: s.remote, Local: s.reached}
	if state, ok := s.control.tlsState(); ok {
		c.TLS = &state
	}
	return c
}

// userFor returns the user for an account, with the driver's extensions, and counts
// the session as that user's.
func (s *session) userFor(a *Account, name string) (*user, error) {
	u, err := s.server.newSessionUser(s.live, a, name)
	if err == nil && s.server.driver != nil {
		u.ext = extensionsOf(a.FS)
	}
	return u, err
}

// newSessionUser returns the user for an account, and counts the session as that
// user's.
func (s *Server) newSessionUser(session *live.Session, a *Account, name string) (*user, error) {
	u, err := newUser(a, name, durable.Policy{Level: s.Durability, OnSync: s.onSync()})
	switch {
	case errors.Is(err, ErrUnavailable):
		return nil, err
	case vfs.StoreFailure(err) != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errHome, err)
	}
	if err := session.SetUser(u.name, a.MaxSessions); err != nil {
		u.close()
		return nil, err
	}
	return u, nil
}

// onSync returns OnSync without its panics: a goroutine of no session calls it too.
func (s *Server) onSync() func(Sync) {
	if s.OnSync == nil {
		return nil
	}
	return func(x Sync) {
		defer s.logPanic("OnSync")
		s.OnSync(x)
	}
}

// logPanic, deferred, logs a panic of a hook that no session would recover from.
func (s *Server) logPanic(hook string) {
	if r := recover(); r != nil {
		s.reportPanic(hook, r)
	}
}

func (s *Server) reportPanic(hook string, value any) {
	s.logger().Error("panic in a hook", "hook", hook, "panic", value, "stack", string(debug.Stack()))
}

// readAheadDelay is how long a login may take before the session begins to watch
// whether the client disconnects. Most logins are faster.
const readAheadDelay = 50 * time.Millisecond

// readAheadDuring calls f. If the client disconnects meanwhile, the context of the
// session ends. Lines that the client sends meanwhile stay in the buffer.
func (s *session) readAheadDuring(f func()) {
	s.control.setReadDeadline(time.Time{}) // until the next startIdle
	stopped := make(chan struct{})
	timer := time.AfterFunc(readAheadDelay, func() {
		defer close(stopped)
		defer s.recoverPanic()
		if err := s.control.readAhead(); err != nil {
			s.handleReadError(err)
		}
	})
	defer func() {
		if !timer.Stop() {
			s.control.setReadDeadline(longAgo) // interrupts the read
			<-stopped
		}
	}()
	f()
}

// logOut ends the login. LoginTimeout begins anew.
func (s *session) logOut() {
	if s.user == nil {
		return
	}
	s.user.close()
	s.user = nil
	_ = s.live.SetUser("", 0) // without a user no limit can fail
	s.restart, s.byteRange, s.mlstFacts, s.hash, s.umask = 0, nil, nil, nil, nil
	s.setDir("/")
	s.dropSource()
	s.setTimer(loginTimer, s.server.loginTimeout(), s.expireLogin)
}

// pause blocks for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
