package ftpd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"sluice/internal/account"
	"sluice/internal/durable"
	"sluice/internal/live"
)

// anonymous is how a user without an account is called in hooks.
const anonymous = account.Anonymous

// maxFailed is how many wrong passwords end a session.
const maxFailed = 3

var replyBanned = say(421, "Too many failed logins from your address, try again later")

var (
	errFailed = errors.New("too many wrong passwords")
	errBanned = errors.New("too many wrong passwords from the address")
	errHome   = errors.New("home directory cannot be opened")
	errNoFS   = fmt.Errorf("%w: the FS of the account is nil", ErrUnavailable)
)

// userCommand answers USER. It ends the login that there was (RFC 959, 4.1.1).
// Names that are known and those that are not get the same reply.
func (s *session) userCommand(name string) reply {
	s.logOut()
	if r, done := s.server.driver.user(s, name); done {
		return r
	}
	if s.mustProtect() && !s.secured {
		return say(530, "Encryption is required: send AUTH TLS first")
	}
	s.name = name
	return say(331, "Password required")
}

// pass answers PASS. A failure is answered late, against guessing, and always
// alike (RFC 2577, 5 and 6).
func (s *session) pass(password string) reply {
	name := s.name
	if name == "" {
		return say(503, "Send USER first")
	}
	s.name = ""
	dir := s.dir()
	u, err := s.login(name, password)
	if err != nil {
		s.setDir(dir) // Login may have set that of somebody who is not in
	}
	return s.loggedIn(name, u, err)
}

// loggedIn answers a login as name, which has made the client u or has failed for
// the reason of err.
func (s *session) loggedIn(name string, u *user, err error) reply {
	s.user = u // already now: a session that ends closes the home of it
	if hook := s.server.OnLogin; hook != nil {
		hook(LoginAttempt{Session: s.id, Remote: s.remote, User: name, Err: err})
	}
	text := s.server.driver.authMessage(s, name, err)
	switch {
	case err == nil:
		s.stopAlarm(alarmLogin)
		return say(230, orText(text, "Logged in")...)
	case err == errBanned:
		s.then = func() error { return errBanned }
		return replyBanned
	case err == live.ErrTooManyOfUser:
		return say(530, "Too many sessions of this user")
	case errors.Is(err, errHome): // the password was right
		return say(530, "The home directory is not there")
	case errors.Is(err, ErrUnavailable):
		return say(530, "Login is not possible now")
	case !errors.Is(err, ErrLogin): // the session must end, and nobody knows whether it was
		return replyNoLogin
	}
	pause(s.ctx, s.server.guesses.add(s.host, s.server.waits))
	if s.failed++; s.failed == maxFailed {
		s.then = func() error { return errFailed }
	}
	return say(530, orText(text, "Login incorrect")...)
}

// orText returns the lines of text, or else one of our own.
func orText(text []string, own string) []string {
	if text == nil {
		return []string{own}
	}
	return text
}

// login returns who has logged in, and counts the session as that user's. It hears
// meanwhile whether the client goes away.
func (s *session) login(name, password string) (u *user, err error) {
	s.hearDuring(func() {
		var a *Account
		if a, err = s.server.authenticate(s.ctx, s.asClient, s.host, name, password); err == nil {
			u, err = s.admit(a, name)
		}
	})
	return u, err
}

// authenticate returns the account of whoever has the password, or why there is none;
// ctx is that of the client at host.
func (s *Server) authenticate(ctx context.Context, client func() Client, host netip.Addr, name, password string) (*Account, error) {
	switch {
	case s.guesses.banned(host, s.waits): // by others from there, as a rule
		return nil, errBanned
	case s.guests != nil && account.IsAnonymous(name):
		return &Account{Name: anonymous, FS: s.guests, Rights: ReadOnly, HideDotFiles: !s.ShowHidden}, nil
	case s.Login == nil:
		return nil, ErrLogin
	}
	a, err := s.Login(ctx, client(), name, password)
	switch {
	case err == nil && a != nil:
		return a, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err == nil:
		return nil, ErrLogin
	case errors.Is(err, ErrLogin), errors.Is(err, ErrUnavailable):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", ErrLogin, err)
}

// asClient returns who asks for a login.
func (s *session) asClient() Client {
	c := Client{ClientContext: s.context(), Session: s.id, Remote: s.remote, Local: s.local}
	if state, ok := s.control.tlsState(); ok {
		c.TLS = &state
	}
	return c
}

// admit returns the user of an account.
func (s *session) admit(a *Account, name string) (*user, error) {
	u, err := s.server.userOf(s.live, a, name)
	if err == nil && s.server.driver != nil {
		u.ext = extensionsOf(a.FS)
	}
	return u, err
}

// userOf returns the user of an account, and counts the session as that user's.
func (s *Server) userOf(session *live.Session, a *Account, name string) (*user, error) {
	u, err := newUser(a, name, durable.Policy{Level: s.Durability, OnSync: s.OnSync})
	switch {
	case errors.Is(err, ErrUnavailable):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errHome, err)
	}
	if err := session.SetUser(u.name, a.MaxSessions); err != nil {
		u.close()
		return nil, err
	}
	return u, nil
}

// hearAfter is how long a login may take before anybody listens to whether the
// client still waits for it. Most take less.
const hearAfter = 50 * time.Millisecond

// hearDuring calls f and hears meanwhile whether the client goes away, which
// ends the context of the session. What the client sends waits for its turn.
func (s *session) hearDuring(f func()) {
	s.control.readBy(time.Time{}) // until the next rest
	heard := make(chan struct{})
	timer := time.AfterFunc(hearAfter, func() {
		defer close(heard)
		if err := s.control.hear(); err != nil {
			s.lost(err)
		}
	})
	defer func() {
		if !timer.Stop() {
			s.control.readBy(longAgo) // wakes it
			<-heard
		}
	}()
	f()
}

// logOut takes back what the user may touch. Who does not log in again is
// dismissed as who never did.
func (s *session) logOut() {
	if s.user == nil {
		return
	}
	s.user.close()
	s.user = nil
	_ = s.live.SetUser("", 0) // of nobody there are never too many
	s.restart, s.ranged, s.wanted, s.hash, s.umask = 0, nil, nil, nil, nil
	s.setDir("/")
	s.dropSource()
	s.setAlarm(alarmLogin, s.server.loginTimeout(), s.expireLogin)
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
