package daemon

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/sandbox"
	"sluice/internal/status"
)

// chooseUser sets the user to become.
func (d *daemon) chooseUser() (err error) {
	d.user, err = sandbox.ChooseUser(d.conf.RunAs, d.firstDir())
	switch {
	case err == nil:
		return nil
	case d.conf.RunAs == "":
		return fmt.Errorf("cannot choose the user to become: %w; name a user by --run-as", err)
	}
	return config.UsageError{Err: fmt.Errorf("--run-as %s: %w", d.conf.RunAs, err)}
}

// firstDir returns the first directory of this host that is served; "": there is none.
func (d *daemon) firstDir() string {
	if dirs := d.root.dirs(); len(dirs) > 0 {
		return dirs[0]
	}
	return ""
}

// contain changes the user of the process and takes away the rights that it does
// not need. After that the files of the configuration are read by d.files.
func (d *daemon) contain(services []*service) (*status.Contained, error) {
	writers := writersIn(d.conf)
	plan := sandbox.Plan{
		User: d.user, Mode: sandbox.Mode(d.conf.Sandbox),
		Write: len(writers) > 0 || d.conf.Write && (d.conf.UsersFile != "" || d.conf.AuthProgram.Path != ""), NotifySocket: os.Getenv("NOTIFY_SOCKET"),
	}
	d.root.confine(&plan)
	plan.Write = plan.Write && len(plan.Trees) > 0 // the sandbox knows no buckets
	if d.keepsState() {
		plan.State = append(plan.State, d.conf.State)
	}
	if plan.NeedsHelper() {
		if err := d.startHelper(); err != nil {
			return nil, err
		}
	}
	if err := d.startAuthProgram(); err != nil {
		return nil, err
	}
	report, err := sandbox.Contain(plan)
	if err != nil {
		return nil, explainContain(d.user, err)
	}
	d.readOnly = report.Landlock != "" && len(plan.Trees) > 0 && !plan.Write
	d.logContainment(&report)
	if err := d.openState(); err != nil {
		return nil, err
	}
	return containedStatus(&report), d.checkAccess(writers, services)
}

// startHelper starts the process that opens the files of the configuration and
// removes the unix sockets at the end. It gives the sockets to the user that this
// process becomes.
func (d *daemon) startHelper() (err error) {
	u := d.user
	d.sockets, err = d.opener.ReleaseUnix(func(path string) error {
		if u == nil || u.IsRoot() {
			return nil
		}
		if err := os.Chown(path, u.UID, u.GID); err != nil {
			return fmt.Errorf("give %s to %s: %w", path, u.Name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if d.files, err = sandbox.StartFiles(sandbox.NamedFiles{Read: d.configFiles(), Remove: d.sockets}); err != nil {
		return err
	}
	if certs := d.certs.Load(); certs != nil && d.files != nil {
		certs.Open = d.files.Open // no client has connected yet
	}
	d.root.readBy(d.files)
	return nil
}

// logContainment writes one line with all that is in force.
func (d *daemon) logContainment(r *sandbox.Report) {
	orNone := func(s string) string {
		if s == "" {
			return "none"
		}
		return s
	}
	attrs := []any{"user", r.User}
	if d.user != nil && d.user.Reason != "" && r.UID == d.user.UID {
		attrs = append(attrs, "because", d.user.Reason)
	}
	attrs = append(attrs, "landlock", orNone(r.Landlock), "seccomp", orNone(r.Seccomp), "capabilities", orNone(r.Caps), "lacks", orNone(strings.Join(r.Missing, "; ")))
	d.logger.Info("contained", attrs...)
	if r.UID == 0 {
		d.logger.Warn("the server runs as root: a bug in it can read and change all files in DIR as root; name another user by --run-as")
	}
}

// containedStatus converts a report for /status.json.
func containedStatus(r *sandbox.Report) *status.Contained {
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

// configFiles returns the files that a reload reads again. Others than regular
// files, such as pipes, can be read only once.
func (d *daemon) configFiles() (names []string) {
	all := slices.Concat([]string{d.conf.File, d.conf.UsersFile, d.conf.AdminTokenFile}, d.conf.TLSCerts, d.conf.TLSKeys, d.root.files())
	for _, name := range all {
		if name == "" {
			continue
		}
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
			d.logger.Warn("not a regular file: it cannot be read again at a reload", "file", name)
			continue
		}
		names = append(names, name)
	}
	return names
}

// writersIn returns the users that may change files.
func writersIn(conf config.Config) (writers []account.Account) {
	if conf.Write {
		for _, login := range conf.Logins {
			writers = append(writers, account.Account{Name: login.Name})
		}
		for _, p := range conf.PasswordsOnly() {
			writers = append(writers, account.Account{Name: p.Name})
		}
	}
	for _, u := range conf.Users {
		switch {
		case u.Account.Paths.Union(0)&^readRights != 0:
			writers = append(writers, u.Account)
		case u.HasRights && u.Account.Rights&^readRights != 0, !u.HasRights && conf.Write && u.Account.Name != account.Anonymous:
			writers = append(writers, u.Account)
		}
	}
	return writers
}

// checkAccess reports what the server must be able to do and cannot do as the user
// that it has become, in the sandbox.
func (d *daemon) checkAccess(writers []account.Account, services []*service) error {
	if err := d.checkPorts(services); err != nil {
		return err
	}
	if d.user != nil && !d.user.IsRoot() {
		if err := d.files.Check(); err != nil {
			return fmt.Errorf("this could not be read again at a reload: %w; %s", err, remedies(d.user, "the file"))
		}
	}
	return d.root.checkAccess(d.user, writers)
}

// remedies says what to do about files that a user cannot use.
func remedies(u *sandbox.User, what string) string {
	return fmt.Sprintf("give %s to that user (chown -R %s %s, or chmod), or choose another by --run-as OWNER, or --run-as root", what, u.Name, what)
}

// checkPorts returns an error if the process may not listen on the ports of FTP
// data connections.
func (d *daemon) checkPorts(services []*service) error {
	ports := d.conf.FTPOptions.PassivePorts
	first := sandbox.FirstFreePort()
	if int(ports.First) == 0 || int(ports.First) >= first || sandbox.MayBindAll() {
		return nil
	}
	for _, s := range services {
		if s.name == "ftp" {
			return fmt.Errorf("--ftp-passive-ports %d-%d: only root may listen on ports below %d, and the server is not root any more; choose others, or --run-as root", ports.First, ports.Last, first)
		}
	}
	return nil
}
