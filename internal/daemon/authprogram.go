package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/sandbox"
)

// maxChecks is the number of checks by --auth-program at one time. Strangers have one of them
// at most, see account.Users.
const maxChecks = 4

// authProgram returns the program of --auth-program, checked; its path is empty if there is
// none. Call it after chooseUser.
func (d *daemon) authProgram() (p sandbox.Program, err error) {
	o := d.conf.AuthProgram
	if o.Path == "" {
		return p, nil
	}
	p = sandbox.Program{Args: o.Args, User: d.user, Timeout: o.Timeout, AtOnce: maxChecks}
	if o.RunAs != "" {
		if p.User, err = sandbox.ChooseUser(o.RunAs, d.conf.Root); err != nil {
			return p, config.UsageError{Err: fmt.Errorf("--auth-run-as %s: %w", o.RunAs, err)}
		}
	}
	if p.Path, err = filepath.Abs(o.Path); err != nil {
		return p, err
	}
	if err := sandbox.CheckProgram(p.Path, p.User); err != nil {
		return p, config.UsageError{Err: fmt.Errorf("--auth-program %s: %w", o.Path, err)}
	}
	file, err := filepath.EvalSymlinks(p.Path)
	if err == nil && (d.serves(p.Path) || d.serves(file)) {
		return p, config.UsageError{Err: fmt.Errorf("--auth-program %s: it is in the served directory, where clients may read or replace it; move it", o.Path)}
	}
	return p, err
}

// startAuthProgram starts the process that runs --auth-program, if there is one. Call it
// before the sandbox.
func (d *daemon) startAuthProgram() error {
	p, err := d.authProgram()
	if err != nil || p.Path == "" {
		return err
	}
	d.checker, err = sandbox.StartRunner(p, func(line string) {
		d.logger.Info("the program of --auth-program says", "text", line)
	})
	if errors.Is(err, syscall.EACCES) {
		return config.UsageError{Err: fmt.Errorf("--auth-program %s: the user that it runs as may not run it; move it, or name another user by --auth-run-as", d.conf.AuthProgram.Path)}
	}
	if err != nil {
		return err
	}
	d.users.SetExternal(account.External{Check: d.checkByProgram, Keep: d.conf.AuthProgram.Cache})
	if p.User.IsRoot() || p.User == nil && d.user.IsRoot() {
		d.logger.Info("the program of --auth-program runs as root", "program", p.Path)
	}
	return nil
}

// question is what --auth-program gets, in one line.
type question struct {
	User     string `json:"user"`
	Password string `json:"password"`
	Remote   string `json:"remote"` // address of the client; "": a unix socket
	Protocol string `json:"protocol"`
	TLS      bool   `json:"tls"`
}

// checkByProgram asks --auth-program. Its errors have nothing of an answer that is not valid
// JSON, which may repeat the password.
func (d *daemon) checkByProgram(ctx context.Context, a account.Attempt) (account.Found, error) {
	q := question{User: a.Name, Password: a.Password, Protocol: a.Protocol, TLS: a.TLS}
	if a.Addr.IsValid() {
		q.Remote = a.Addr.Unmap().String()
	}
	var line bytes.Buffer
	lines := json.NewEncoder(&line) // writes a line break too
	lines.SetEscapeHTML(false)
	if err := lines.Encode(q); err != nil {
		return account.Found{}, err
	}
	answer, err := d.checker.Run(ctx, line.Bytes())
	clear(line.Bytes())
	if err != nil {
		return account.Found{}, fmt.Errorf("--auth-program %s: %w", d.conf.AuthProgram.Path, err)
	}
	user, ok, err := d.current.Load().ParseAnswer(answer)
	switch {
	case err != nil:
		return account.Found{}, fmt.Errorf("--auth-program %s: %w", d.conf.AuthProgram.Path, err)
	case !ok:
		return account.Found{}, account.ErrPassword
	}
	return account.Found{Account: user.Account, Networks: user.Networks}, nil
}
