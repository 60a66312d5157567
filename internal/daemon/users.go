package daemon

import (
	"context"
	"log/slog"
	"runtime"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/sandbox"
)

// logIn checks a login by FTP and returns the account with its file system.
func (d *daemon) logIn(ctx context.Context, _ ftpd.Client, name, password string) (*ftpd.Account, error) {
	user, ok := d.account(ctx, name, password)
	if !ok {
		return nil, ftpd.ErrLogin
	}
	if user.Rights&^(ftpd.ReadOnly|ftpd.Who) != 0 {
		user.FS = d.root.tree().Writable()
	}
	return user, nil
}

// logInByHTTP checks a login by HTTP, which does not change files. Right passwords are
// not logged: the access log has the user of each request.
func (d *daemon) logInByHTTP(ctx context.Context, c httpd.Client, name, password string) (*httpd.Account, error) {
	user, ok := d.account(ctx, name, password)
	switch {
	case ok:
		return user, nil
	case ctx.Err() != nil:
		return nil, httpd.ErrUnavailable
	}
	logHTTPRefusal(d.logger, c)
	return nil, httpd.ErrLogin
}

// logHTTPRefusal logs a wrong password, without the name: that may be a password.
func logHTTPRefusal(logger *slog.Logger, c httpd.Client) {
	logger.Warn("http login refused", "remote", c.Remote.String(), "session", c.Session, "err", httpd.ErrLogin)
}

// account checks a login and returns the account, with a file system to read from. It
// is the same for all protocols.
func (d *daemon) account(ctx context.Context, name, password string) (a *account.Account, ok bool) {
	if d.conf.Anonymous && account.IsAnonymous(name) {
		guest := d.users.Anonymous()
		guest.FS, guest.MaxRatePerTransfer = d.root.tree(), int64(d.conf.Rates.AnonymousMaxRate)
		guest.HideDotFiles = !d.conf.Hidden
		return &guest, true
	}
	user, ok := d.users.Login(ctx, name, password)
	if !ok {
		return nil, false
	}
	if !d.mayWrite() {
		user.Rights &= account.ReadOnly | account.Who
	}
	user.FS = d.root.tree()
	return &user, true
}

// mayWrite reports whether any user may change files, now or after a reload: with a
// file the rights of each user decide. In a read-only sandbox none may.
func (d *daemon) mayWrite() bool { return (d.conf.Write || d.conf.File != "") && !d.readOnly }

// warnUsers logs problems with the users of the file.
func (d *daemon) warnUsers(conf config.Config) {
	if len(conf.Users) == 0 {
		return
	}
	for _, u := range conf.Users {
		if err := d.checkHome(u.Account.Home); err != nil {
			d.logger.Warn("the home of a user cannot be opened", "user", u.Account.Name, "err", err)
		}
	}
	if worldReadable(d.files, conf.File) {
		d.logger.Warn("every user of this machine can read the file with the password hashes and try passwords; forbid it by chmod o-r", "file", conf.File)
	}
}

// checkHome reports why a home cannot be opened. It may be created later.
func (d *daemon) checkHome(home string) error {
	if home == "" {
		return nil
	}
	tree, err := d.root.tree().Sub(home)
	if err != nil {
		return err
	}
	return tree.Close()
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
