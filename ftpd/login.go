package ftpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/internal/account"
	"sluice/internal/live"
	"sluice/internal/vfs"
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
)

// userCommand is USER. It ends the login that there was (RFC 959, 4.1.1).
// Names that are known and those that are not get the same reply.
func (s *session) userCommand(name string) reply {
	s.logOut()
	if s.server.TLS == TLSRequired && !s.security.on {
		return say(530, "Encryption is required: send AUTH TLS first")
	}
	s.name = name
	return say(331, "Password required")
}

// passPassword is PASS. The library, which would close after one failure, only
// hears of success, and never of a password. A failure is answered late,
// against guessing, and always alike (RFC 2577, 5 and 6).
func (s *session) passPassword(password string) (string, reply) {
	name := s.name
	if name == "" {
		return "", say(503, "Send USER first")
	}
	s.name = ""
	d, err := s.login(name, password)
	s.admitted = d // already now: a session that ends closes the home of it
	if hook := s.server.OnLogin; hook != nil {
		hook(LoginAttempt{Session: s.id, Remote: s.remote, User: name, Err: err})
	}
	switch {
	case err == nil:
		return "PASS", reply{}
	case err == errBanned:
		s.then = func(*guard) error { return errBanned }
		return "", replyBanned
	case err == live.ErrTooManyOfUser:
		return "", say(530, "Too many sessions of this user")
	case errors.Is(err, errHome): // the password was right
		return "", say(530, "The home directory is not there")
	case errors.Is(err, ErrUnavailable):
		return "", say(530, "Login is not possible now")
	case !errors.Is(err, ErrLogin): // the session must end, and nobody knows whether it was
		return "", replyNoLogin
	}
	s.pause(s.server.guesses.add(s.host, s.server.waits))
	if s.failed++; s.failed == maxFailed {
		s.then = func(*guard) error { return errFailed }
	}
	return "", say(530, "Login incorrect")
}

// login returns what the user may touch.
func (s *session) login(user, password string) (*driver, error) {
	srv := s.server
	switch {
	case srv.guesses.banned(s.host, srv.waits): // by others from there, as a rule
		return nil, errBanned
	case srv.guests != nil && account.IsAnonymous(user):
		return s.driverOf(&Account{Name: anonymous, FS: srv.guests, Rights: ReadOnly}, user)
	case srv.Login == nil:
		return nil, ErrLogin
	}
	var a *Account
	var err error
	s.guard.hearDuring(func() { a, err = srv.Login(s.ctx, s.asClient(), user, password) })
	switch {
	case err == nil && a != nil:
		return s.driverOf(a, user)
	case s.ctx.Err() != nil:
		return nil, context.Cause(s.ctx)
	case err == nil:
		return nil, ErrLogin
	case errors.Is(err, ErrLogin), errors.Is(err, ErrUnavailable):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", ErrLogin, err)
}

// asClient returns who asks for a login.
func (s *session) asClient() Client {
	c := Client{Session: s.id, Remote: s.remote, Local: s.local}
	if state, ok := s.guard.tlsState(); ok {
		c.TLS = &state
	}
	return c
}

// driverOf returns what a user may touch, and counts the session as the user's.
// The session closes a tree of its own when the user logs out, or is gone.
func (s *session) driverOf(a *Account, user string) (*driver, error) {
	if vfs.IsNothing(a.FS) {
		return nil, fmt.Errorf("%w: the FS of the account is nil", ErrUnavailable)
	}
	if a.Name != "" {
		user = a.Name
	}
	d := &driver{session: s, client: s.client, tree: vfs.Of(a.FS), user: user, rights: a.Rights, account: *a}
	if a.Home != "" {
		home, leave, err := vfs.Sub(d.tree, a.Home)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errHome, err)
		}
		d.tree, d.home = home, leave
	}
	if root, ok := d.tree.(*vfs.Root); ok {
		d.isRoot = true
		if !root.CanWrite() { // or facts would tell rights that the Root refuses
			d.rights &= ReadOnly | Who
		}
	}
	if err := s.live.SetUser(user, a.MaxSessions); err != nil {
		d.leaveHome()
		return nil, err
	}
	return d, nil
}

// AuthUser gives the library what passPassword has admitted.
func (s *session) AuthUser(ftpserver.ClientContext, string, string) (ftpserver.ClientDriver, error) {
	if s.admitted == nil {
		return nil, ErrLogin // not reached: passPassword stands before
	}
	s.driver, s.admitted = s.admitted, nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopAlarmLocked(alarmLogin)
	return s.driver, nil
}

// GetTLSConfig is not called: the guard speaks TLS, and the library sees none.
func (s *session) GetTLSConfig() (*tls.Config, error) { return nil, errors.ErrUnsupported }

// PostAuthMessage returns the text of reply 230.
func (s *session) PostAuthMessage(ftpserver.ClientContext, string, error) string { return "Logged in" }

// logOut takes back what the user may touch. Who does not log in again is
// dismissed as who never did.
func (s *session) logOut() {
	if s.driver == nil {
		return
	}
	s.driver.leaveHome()
	s.driver = nil
	_ = s.live.SetUser("", 0) // of nobody there are never too many
	s.content = contentState{}
	s.client.SetPath("/")
	s.dropSource()
	s.setAlarm(alarmLogin, s.server.loginTimeout(), s.expireLogin)
}

// reinCommand is REIN. TLS stays: to end it here would put the next password
// on the wire.
func (s *session) reinCommand(string) reply {
	s.logOut()
	s.name, s.epsvOnly, s.ascii = "", false, false
	return say(220, "Ready for a new user")
}

// pause blocks for d, or until the session must end.
func (s *session) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ctx.Done():
	}
}
