package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/sandbox"
)

// logInByFTP checks a login by FTP and returns the account with its file system. The server
// logs what comes of it.
func (d *daemon) logInByFTP(ctx context.Context, c ftpd.Client, name, password string) (*ftpd.Account, error) {
	user, err := d.logIn(ctx, account.Attempt{Name: name, Password: password, Addr: c.Remote.Addr(), Protocol: "ftp", TLS: c.TLS != nil})
	if errors.Is(err, account.ErrUnavailable) {
		return nil, fmt.Errorf("%w: %w", ftpd.ErrUnavailable, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ftpd.ErrLogin, err)
	}
	return user, nil
}

// logInByHTTP checks a login by HTTP. Right passwords are not logged: the access log has
// the user of each request.
func (d *daemon) logInByHTTP(ctx context.Context, c httpd.Client, name, password string) (*httpd.Account, error) {
	attempt := attemptByHTTP(c, name)
	attempt.Password = password
	user, err := d.logIn(ctx, attempt)
	switch {
	case err == nil:
		return user, nil
	case errors.Is(err, account.ErrUnavailable):
		d.logger.Warn("http login not possible", "remote", c.Remote.String(), "session", c.Session, "user", shortened(name), "reason", account.Reason(err), "err", err)
		return nil, httpd.ErrUnavailable
	case ctx.Err() != nil:
		return nil, httpd.ErrUnavailable
	}
	logHTTPRefusal(d.logger, c, name, err)
	return nil, fmt.Errorf("%w: %w", httpd.ErrLogin, err)
}

// accountOf returns the present account of a user who has logged in by the login page.
// Guests need no session.
func (d *daemon) accountOf(_ context.Context, c httpd.Client, name string) (*httpd.Account, error) {
	user, err := d.users.Present(attemptByHTTP(c, name))
	switch {
	case errors.Is(err, account.ErrNetwork):
		return nil, err // the session goes on where it is allowed
	case err != nil:
		return nil, httpd.ErrLogin
	}
	return d.withTree(user), nil
}

// attemptByHTTP returns an attempt without a password. An address of this host may be that of a proxy.
func attemptByHTTP(c httpd.Client, name string) account.Attempt {
	addr := c.Remote.Addr()
	return account.Attempt{Name: name, Addr: addr, Protocol: "http", TLS: c.TLS != nil, ManyClients: !addr.IsValid() || addr.Unmap().IsLoopback()}
}

// logHTTPRefusal logs a failed login.
func logHTTPRefusal(logger *slog.Logger, c httpd.Client, name string, err error) {
	logger.Warn("http login refused", append([]any{"remote", c.Remote.String(), "session", c.Session}, reasonOf(name, err)...)...)
}

// reasonOf returns the attributes of a failed login that say whose it was, and why.
func reasonOf(name string, err error) []any {
	attrs := []any{"user", shortened(name), "reason", account.Reason(err)}
	if errors.Is(err, account.ErrNetwork) {
		attrs = append(attrs, "err", err)
	}
	return attrs
}

// shortened cuts a name that a client has sent: the log must not grow with it.
func shortened(name string) string {
	const most = 100 // bytes
	return name[:min(len(name), most)]
}

// logIn checks a login and returns the account, with its file system. It is the same for
// all protocols.
func (d *daemon) logIn(ctx context.Context, a account.Attempt) (*account.Account, error) {
	isGuest := d.conf.Anonymous && account.IsAnonymous(a.Name)
	if isGuest && d.users.GuestMayLogIn(a.Addr) {
		return d.withTree(d.guest()), nil
	}
	user, err := d.users.LogIn(ctx, a) // of a guest elsewhere it takes as long
	switch {
	case isGuest, errors.Is(err, account.ErrNetwork):
		return nil, fmt.Errorf("%w (networks of the user %s)", account.ErrNetwork, a.Name)
	case err != nil:
		return nil, err
	}
	return d.withTree(user), nil
}

// guest returns the account of clients without a password, without its file system. With
// --anonymous=false they see nothing.
func (d *daemon) guest() account.Account {
	guest := d.users.Anonymous()
	if !d.conf.Anonymous {
		guest.Rights, guest.Paths = 0, nil
	}
	guest.HideDotFiles, guest.MaxRatePerTransfer = !d.conf.Hidden, int64(d.conf.Rates.AnonymousMaxRate)
	return guest
}

// withTree adds to an account the served tree, writable if the account may change files
// somewhere, and what counts its files. It takes the rights that the server does not have.
func (d *daemon) withTree(a account.Account) *account.Account {
	if !d.mayWrite() {
		a.Rights &= readRights
	}
	tree := d.root.tree()
	a.FS = tree
	if d.changesFiles(&a) {
		a.FS, a.Volume = d.root.writable(tree), d.volume(tree)
	}
	return &a
}

const readRights = account.ReadOnly | account.Who

// changesFiles reports whether an account may change files, wherever that is.
func (d *daemon) changesFiles(a *account.Account) bool {
	return d.mayWrite() && a.Paths.Union(a.Rights)&^readRights != 0
}

// mayWrite reports whether any user may change files, now or after a reload: with a
// file the rights of each user decide. In a read-only sandbox none may.
func (d *daemon) mayWrite() bool {
	return d.conf.MayWrite() && !d.readOnly
}

// warnUsers logs problems with the users of the files.
func (d *daemon) warnUsers(conf config.Config) {
	for _, u := range conf.Users {
		if err := d.checkHome(u.Account.Home); err != nil {
			d.logger.Warn("the home of a user cannot be opened", "user", u.Account.Name, "err", err)
		}
	}
	for _, u := range conf.Users {
		if u.Account.Name == account.Anonymous && conf.Anonymous && d.changesFiles(&u.Account) {
			d.logger.Warn("clients without a password may make files, and so fill the disk; give the directory a file system of its own, or limit it", "user", u.Account.Name, "in", conf.File)
		}
	}
	for _, name := range conf.CannotLogIn() {
		d.logger.Warn("a user of the configuration has no password and cannot log in", "user", name, "in", conf.File, "nor in", conf.UsersFile)
	}
	if len(conf.Users) > 0 {
		d.warnReadable(conf.File)
	}
	if conf.UsersFile != "" {
		d.warnReadable(conf.UsersFile)
		if d.serves(conf.UsersFile) {
			d.logger.Warn("the file with the password hashes is in the served directory, where clients may read it; move it", "file", conf.UsersFile)
		}
	}
}

// warnReadable logs if all users of this machine can read a file with password hashes.
func (d *daemon) warnReadable(file string) {
	if worldReadable(d.files, file) {
		d.logger.Warn("every user of this machine can read the file with the password hashes and try passwords; forbid it by chmod o-r", "file", file)
	}
}

// serves reports whether a file is below a served directory, by their names.
func (d *daemon) serves(file string) bool {
	name, err := filepath.Abs(file)
	return err == nil && slices.ContainsFunc(d.root.dirs(), func(dir string) bool { return isBelow(name, dir) })
}

// worldReadable reports whether all users of this machine may read a file. On
// Windows the mode does not say.
func worldReadable(files *sandbox.Files, file string) bool {
	f, err := files.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	return err == nil && info.Mode().Perm()&0o004 != 0 && runtime.GOOS != "windows"
}
