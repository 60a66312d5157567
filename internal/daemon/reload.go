package daemon

import (
	"cmp"
	"context"
	"io"
	"os"
	"slices"
	"strings"
)

// reloadOnSignal reloads at each signal until ctx ends. Without files there is
// nothing to read again, and no log file to reopen: the log is standard error.
func (d *daemon) reloadOnSignal(ctx context.Context, signals <-chan os.Signal, load Loader) {
	for {
		select {
		case <-signals:
			if d.conf.File == "" && d.conf.UsersFile == "" {
				d.users.Forget()
				d.logger.Info("hangup: no --config and no --users to read again, and the log is standard error")
				continue
			}
			notify(stateReloading)
			if err := d.reload(load); err != nil {
				d.logger.Warn("the configuration cannot be used, the one before stays", "err", err)
			}
			notify(stateReady)
		case <-ctx.Done():
			return
		}
	}
}

// reload puts into effect what can change while the services run, all or nothing,
// and logs the rest. Sessions and transfers go on.
func (d *daemon) reload(load Loader) error {
	loaded, err := load(d.files)
	if err != nil {
		return err
	}
	conf := &loaded.Config
	next, err := newDaemon(*conf, io.Discard)
	if err != nil {
		return loaded.Locate(err)
	}
	next.logger, next.root, next.files, next.readOnly = d.logger, d.root, d.files, d.readOnly
	certificates, err := next.checkInputs()
	if err != nil {
		return loaded.Locate(err)
	}
	applied := []string{"users", "write", "quota", "quota-files", "max-file-size", "ftp-lax-tls", "ftp-lax-reuse", "ftp-overwrite"}
	if certificates != nil && d.certs.Load() != nil { // a self-signed certificate stays until the next start
		d.certs.Store(certificates)
		applied = append(applied, "tls-cert", "tls-key")
	}
	d.users.Replace(next.users)
	d.current.Store(conf)
	d.countHomes()
	d.volume(d.root.tree()).Recount()
	d.updatePages()

	d.logger.Info("the configuration was read again", "file", cmp.Or(conf.File, conf.UsersFile), "users", len(d.users.Names()))
	d.warnUsers(*conf)
	d.warnQuotas()
	d.logPending(loaded.Changed, applied)
	if conf.HasUser() && !d.conf.HasUser() {
		d.logger.Warn("users, take effect by HTTP at the next start: there were none at the last start")
	}
	if writers := writersIn(*conf); d.readOnly && len(writers) > 0 {
		d.logger.Warn("a user may write, takes effect at the next start: no user could write at the last start, so the directory was opened read-only", "user", writers[0].Name)
	}
	return nil
}

// logPending logs the keys that have changed since the start and are not applied.
func (d *daemon) logPending(changed, applied []string) {
	pending := slices.DeleteFunc(slices.Clone(changed), func(key string) bool { return slices.Contains(applied, key) })
	if len(pending) > 0 {
		d.logger.Warn("changed, takes effect at the next start", "keys", strings.Join(pending, ", "))
	}
}
