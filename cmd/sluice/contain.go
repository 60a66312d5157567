package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/sandbox"
	"sluice/internal/status"
	"sluice/internal/vfs"
)

func addContainFlags(cmd *cobra.Command, conf *config.Config) {
	f := cmd.Flags()
	f.StringVar(&conf.RunAs, "run-as", conf.RunAs, "become `USER[:GROUP]` once it listens, if it is started as root; see above")
	f.StringVar(&conf.Sandbox, "sandbox", conf.Sandbox, "let the process do only what it must, as `HOW`: auto (as far as the kernel can), required (or fail), or off")
}

// chooseUser finds out whom to become.
func (b *builder) chooseUser() (err error) {
	b.user, err = sandbox.ChooseUser(b.conf.RunAs, b.conf.Root)
	switch {
	case err == nil:
		return nil
	case b.conf.RunAs == "":
		return fmt.Errorf("cannot tell whom to become: %w; name a user by --run-as", err)
	}
	return usageError{fmt.Errorf("--run-as %s: %w", b.conf.RunAs, err)}
}

// contain makes the process another user's and takes away what it does not need. From then
// on the files of the configuration are read by b.files.
func (b *builder) contain(c *call, services []*service) (*status.Contained, error) {
	who := writers(b.conf)
	plan := sandbox.Plan{
		User: b.user, Mode: sandbox.Mode(b.conf.Sandbox), Trees: []string{b.conf.Root},
		Write: len(who) > 0, NotifySocket: os.Getenv("NOTIFY_SOCKET"),
	}
	if plan.NeedsHelper() {
		if err := b.opener.passSockets(b.user); err != nil {
			return nil, err
		}
		files, err := sandbox.StartFiles(sandbox.NamedFiles{Read: b.namedFiles(), Remove: b.opener.sockets})
		if err != nil {
			return nil, err
		}
		b.files, b.opener.files, c.opened = files, files, files
		if certs := b.certs.Load(); certs != nil && files != nil {
			certs.Open = files.Open // nobody has connected yet
		}
	}
	report, err := sandbox.Contain(plan)
	if err != nil {
		return nil, explainContain(b.user, err)
	}
	b.readOnly = report.Landlock != "" && !plan.Write
	b.tellOfContainment(&report)
	return shown(&report), b.checkAccess(who, services)
}

// tellOfContainment writes the one line that says what is in force.
func (b *builder) tellOfContainment(r *sandbox.Report) {
	orNone := func(s string) string {
		if s == "" {
			return "none"
		}
		return s
	}
	attrs := []any{"user", r.User}
	if b.user != nil && b.user.Reason != "" && r.UID == b.user.UID {
		attrs = append(attrs, "because", b.user.Reason)
	}
	attrs = append(attrs, "landlock", orNone(r.Landlock), "seccomp", orNone(r.Seccomp), "capabilities", orNone(r.Caps), "lacks", orNone(strings.Join(r.Missing, "; ")))
	b.logger.Info("contained", attrs...)
	if r.UID == 0 {
		b.logger.Warn("the server runs as root: a fault in it opens all files of DIR and writes to them as root; name another user by --run-as")
	}
}

func shown(r *sandbox.Report) *status.Contained {
	c := &status.Contained{
		User: r.User, Caps: []string{}, NoNewPrivs: r.NoNewPrivs, Landlock: r.Landlock, Seccomp: r.Seccomp,
		Lacks: append([]string{}, r.Missing...),
	}
	if r.UID >= 0 {
		c.UID, c.GID = &r.UID, &r.GID
	}
	if r.Caps != "" {
		c.Caps = strings.Split(r.Caps, ",")
	}
	return c
}

// namedFiles returns what is read again while the server runs. What is no regular file, as a
// pipe, can be read only once anyway.
func (b *builder) namedFiles() (names []string) {
	all := append([]string{b.conf.File, b.conf.AdminTokenFile}, b.conf.TLSCerts...)
	for _, name := range append(all, b.conf.TLSKeys...) {
		if name == "" {
			continue
		}
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
			b.logger.Warn("not a regular file: it cannot be read again at a reload", "file", name)
			continue
		}
		names = append(names, name)
	}
	return names
}

// passSockets gives the unix sockets to the user who will serve them, and notes them for close.
func (o *opener) passSockets(u *sandbox.User) error {
	for _, ln := range o.opened {
		name := ln.Addr().String()
		sock, ok := ln.(*net.UnixListener)
		if !ok || !slices.Contains(o.made, name) {
			continue // of TCP, or systemd's to remove
		}
		if u != nil && !u.IsRoot() {
			if err := os.Chown(name, u.UID, u.GID); err != nil {
				return fmt.Errorf("give %s to %s: %w", name, u.Name, err)
			}
		}
		sock.SetUnlinkOnClose(false)
		o.sockets = append(o.sockets, name)
	}
	return nil
}

// writers returns who may change files by what the configuration says.
func writers(conf config.Config) (who []account.Account) {
	const looking = account.ReadOnly | account.Who
	if conf.Write {
		for _, login := range conf.Logins {
			who = append(who, account.Account{Name: login.Name})
		}
	}
	for _, u := range conf.Users {
		switch {
		case u.Account.Name == account.Anonymous:
		case u.HasRights && u.Account.Rights&^looking != 0, !u.HasRights && conf.Write:
			who = append(who, u.Account)
		}
	}
	return who
}

// checkAccess reports what the user that the process has become cannot do and must. It has not
// chosen its user itself otherwise, and everything stays as it is.
func (b *builder) checkAccess(who []account.Account, services []*service) error {
	if err := b.checkPorts(services); err != nil {
		return err
	}
	if b.user == nil || b.user.IsRoot() {
		return nil
	}
	if err := b.files.Check(); err != nil {
		return fmt.Errorf("this could not be read again at a reload: %w; %s", err, remedies(b.user, "the file"))
	}
	dir, err := b.root.tree().Open("/")
	if err != nil {
		return fmt.Errorf("user %s may not read %s; %s", b.user.Name, b.root.tree().Dir(), remedies(b.user, b.root.tree().Dir()))
	}
	_ = dir.Close()
	for _, a := range who {
		if err := b.checkWrite(a); err != nil {
			return err
		}
	}
	return nil
}

// checkWrite reports that the process cannot do what an account may.
func (b *builder) checkWrite(a account.Account) error {
	home := "/" + strings.TrimPrefix(a.Home, "/")
	dir, err := b.root.tree().Open(home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it may come; warnOfUsers tells
	}
	if err == nil {
		defer dir.Close()
		if file, ok := vfs.OSFile(dir); ok {
			err = sandbox.MayWrite(file)
		}
	}
	if err == nil {
		return nil
	}
	place := filepath.Join(b.root.tree().Dir(), filepath.FromSlash(home))
	return fmt.Errorf("%s may write to %s, but the server runs as user %s, who may not; %s", a.Name, place, b.user.Name, remedies(b.user, place))
}

// remedies are what to do about files that a user cannot use.
func remedies(u *sandbox.User, what string) string {
	return fmt.Sprintf("give %s to that user (chown -R %s %s, or chmod), or choose another by --run-as OWNER, or --run-as root", what, u.Name, what)
}

// checkPorts reports that data connections of FTP could not be waited for.
func (b *builder) checkPorts(services []*service) error {
	ports := b.conf.FTPOptions.PassivePorts
	first := sandbox.FirstFreePort()
	if int(ports.First) == 0 || int(ports.First) >= first || sandbox.MayBindAll() {
		return nil
	}
	for _, s := range services {
		if s.name == "ftp" {
			return fmt.Errorf("--ftp-passive-ports %d-%d: only root may wait on ports below %d, and the server is not root any more; choose others, or --run-as root", ports.First, ports.Last, first)
		}
	}
	return nil
}

// explainContain says why the process cannot be contained, and what to do.
func explainContain(u *sandbox.User, err error) error {
	if errors.Is(err, sandbox.ErrMissing) {
		return fmt.Errorf("%w; use --sandbox auto to do without", err)
	}
	if u != nil {
		return fmt.Errorf("%w; choose another user by --run-as, or --run-as root", err)
	}
	return err
}
