package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sluice/httpd"
	"sluice/internal/config"
	"sluice/internal/sandbox"
)

// sessionsName is the file of sessions in the state directory.
const sessionsName = "sessions"

// SessionsFile returns the name of the file of sessions in a state directory.
func SessionsFile(state string) string { return filepath.Join(state, sessionsName) }

// keepsState reports whether anything is kept between starts. Without users there is
// nothing to keep.
func (d *daemon) keepsState() bool { return d.conf.State != "" && d.conf.HasUser() }

// newSessions returns the sessions of the login page.
func (d *daemon) newSessions() *httpd.Sessions {
	d.sessions = &httpd.Sessions{Idle: zeroIsOff(d.conf.SessionIdle), Lifetime: zeroIsOff(d.conf.SessionLifetime), Logger: d.logger}
	if d.keepsState() {
		d.sessions.File = SessionsFile(d.conf.State)
	}
	return d.sessions
}

// checkState returns an error if the state directory cannot be one. It may be missing.
func (d *daemon) checkState() error {
	if !d.keepsState() {
		return nil
	}
	dir := d.conf.State
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("--state: %w", err)
	case !info.IsDir():
		return config.UsageError{Err: fmt.Errorf("--state %s is not a directory", dir)}
	}
	err = checkApart("--state", dir, d.root.dirs())
	if err != nil && d.conf.StateIsDefault {
		d.logger.Warn("sessions are kept in memory only", "err", err)
		d.conf.State = ""
		return nil
	}
	return err
}

// checkApart returns an error if a directory of the server's own, named by a flag, is in a served one, or the other way round.
func checkApart(flag, dir string, served []string) error {
	own := resolved(dir)
	for _, root := range served {
		root = resolved(root)
		switch {
		case isBelow(own, root):
			return config.UsageError{Err: fmt.Errorf("%s %s is in the served directory, where clients could read and change it; name another one", flag, dir)}
		case isBelow(root, own):
			return config.UsageError{Err: fmt.Errorf("%s %s has the served directory in it, which the sandbox could not keep read-only then; name one of its own", flag, dir)}
		}
	}
	return nil
}

// resolved returns the name without symbolic links, as far as it exists.
func resolved(name string) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	if target, err := filepath.EvalSymlinks(abs); err == nil {
		return target
	}
	if parent := filepath.Dir(abs); parent != abs {
		return filepath.Join(resolved(parent), filepath.Base(abs))
	}
	return abs
}

func isBelow(name, dir string) bool {
	rel, err := filepath.Rel(dir, name)
	return err == nil && filepath.IsLocal(rel)
}

// prepareState makes the state directory if it is missing, and gives it to the user that
// the process becomes. An empty one is given to that user too.
func (d *daemon) prepareState() error {
	if err := d.checkState(); err != nil || !d.keepsState() {
		return err
	}
	err := os.Mkdir(d.conf.State, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the directory of --state: %w", err)
	}
	isNew := err == nil
	if u := d.user; u != nil && !u.IsRoot() && (isNew || isEmpty(d.conf.State)) { // systemd makes it for root if the unit has no User=
		if err := os.Chown(d.conf.State, u.UID, u.GID); err != nil {
			return fmt.Errorf("give the directory of --state to %s: %w", u.Name, err)
		}
	}
	return nil
}

// isEmpty reports whether a directory is known to have no files.
func isEmpty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

// openState reads what is kept, as the user that the process has become, and checks that
// it may change it.
func (d *daemon) openState() error {
	if !d.keepsState() || d.sessions == nil {
		return nil
	}
	err := d.sessions.Load()
	if err == nil {
		err = mayWriteTo(d.conf.State)
	}
	switch {
	case err == nil:
		return nil
	case d.user != nil && errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("--state: %w; %s", err, remedies(d.user, d.conf.State))
	}
	return fmt.Errorf("--state: %w", err)
}

// mayWriteTo returns an error if the process may not make files in a directory.
func mayWriteTo(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := sandbox.MayWrite(f); err != nil {
		return &fs.PathError{Op: "write to", Path: dir, Err: err}
	}
	return nil
}
