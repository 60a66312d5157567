package ftpd

import (
	"errors"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/internal/account"
)

// anonymous is how a user without an account is called in hooks.
const anonymous = "anonymous"

var errLogin = errors.New("login incorrect")

// AuthUser answers PASS. A failure is answered late, against guessing, and
// always alike, so that nobody learns which names exist (RFC 2577, 5 and 6).
// The library closes the connection after one.
func (s *session) AuthUser(client ftpserver.ClientContext, user, password string) (ftpserver.ClientDriver, error) {
	d, err := s.login(client, user, password)
	if hook := s.server.OnLogin; hook != nil {
		hook(Login{Session: s.id, Remote: s.remote, User: user, Err: err})
	}
	if err != nil {
		s.pause(s.server.waits.afterBadLogin())
		return nil, err // not d: a nil *driver in an interface is not nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user = d.user
	s.stopAlarmLocked(alarmLogin)
	return d, nil
}

// login returns what the user may touch.
func (s *session) login(client ftpserver.ClientContext, user, password string) (*driver, error) {
	srv := s.server
	switch {
	case srv.Anonymous && account.IsAnonymous(user):
		return &driver{session: s, client: client, tree: srv.Tree, user: anonymous, access: reads}, nil
	case user == "" || !srv.Users.Check(user, password): // "": PASS without USER
		return nil, errLogin
	case srv.Write:
		return &driver{session: s, client: client, tree: srv.Tree.Writable(), user: user, access: writes}, nil
	}
	return &driver{session: s, client: client, tree: srv.Tree, user: user, access: reads}, nil
}

// PostAuthMessage returns the text of reply 230 or 530.
func (s *session) PostAuthMessage(_ ftpserver.ClientContext, _ string, err error) string {
	if err != nil {
		return "Login incorrect"
	}
	return "Logged in"
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
