package main

import (
	"context"
	"fmt"
	"runtime"

	"sluice/ftpd"
	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/sandbox"
)

// accounts returns who may log in.
func accounts(conf config.Config) (*account.Users, error) {
	users := new(account.Users)
	usual := account.ReadOnly
	if conf.Write {
		usual = account.All
	}
	for _, login := range conf.Logins {
		if err := users.AddAccount(account.Account{Name: login.Name, Rights: usual}, login.Password); err != nil {
			return nil, usageError{fmt.Errorf("%w; see --user", err)}
		}
	}
	for _, user := range conf.Users {
		if err := addUser(users, user, usual); err != nil {
			return nil, usageError{fmt.Errorf("%w; see [user.%s] in %s, and --user", err, user.Account.Name, conf.File)}
		}
	}
	return users, nil
}

// addUser adds one that a file tells of, with the usual rights if it does not
// say which.
func addUser(users *account.Users, user config.User, usual account.Rights) error {
	a := user.Account
	if a.Name == account.Anonymous {
		if !user.HasRights {
			a.Rights = account.ReadOnly
		}
		return users.SetAnonymous(a)
	}
	if !user.HasRights {
		a.Rights = usual
	}
	return users.AddHash(a, user.Password)
}

// logIn decides who may log in by FTP, and what each may touch.
func (b *builder) logIn(ctx context.Context, _ ftpd.Client, name, password string) (*ftpd.Account, error) {
	if b.conf.Anonymous && account.IsAnonymous(name) {
		guest := b.users.Anonymous()
		guest.FS, guest.MaxRatePerTransfer = b.root.tree(), int64(b.conf.Rates.AnonymousMaxRate)
		guest.HideDotFiles = !b.conf.Hidden
		return &guest, nil
	}
	user, ok := b.users.Login(ctx, name, password)
	if !ok {
		return nil, ftpd.ErrLogin
	}
	const looking = ftpd.ReadOnly | ftpd.Who
	if !b.mayWrite() {
		user.Rights &= looking
	}
	tree := b.root.tree()
	user.FS = tree
	if user.Rights&^looking != 0 {
		user.FS = tree.Writable()
	}
	return &user, nil
}

// mayWrite reports whether anybody may change files. With a file the rights of
// each user decide, and may change; not so if the process is contained for readers.
func (b *builder) mayWrite() bool { return (b.conf.Write || b.conf.File != "") && !b.readOnly }

// warnOfUsers tells what may be amiss with the users of a file.
func (b *builder) warnOfUsers(conf config.Config) {
	if len(conf.Users) == 0 {
		return
	}
	for _, u := range conf.Users {
		if err := b.tryHome(u.Account.Home); err != nil {
			b.logger.Warn("the home of a user cannot be opened", "user", u.Account.Name, "err", err)
		}
	}
	if readByAll(b.files, conf.File) {
		b.logger.Warn("everybody on this machine can read the file with the hashes of passwords, to guess from; take that back by chmod o-r", "file", conf.File)
	}
}

// tryHome looks whether a home is there, which may come later.
func (b *builder) tryHome(home string) error {
	if home == "" {
		return nil
	}
	tree, err := b.root.tree().Sub(home)
	if err != nil {
		return err
	}
	return tree.Close()
}

// readByAll reports whether all users of this machine may read a file. Windows
// says that by other means than a mode.
func readByAll(files *sandbox.Files, file string) bool {
	f, err := files.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	return err == nil && info.Mode().Perm()&0o004 != 0 && runtime.GOOS != "windows"
}
