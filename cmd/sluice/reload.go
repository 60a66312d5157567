package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"sluice/internal/config"
)

// reloadAt reloads at each signal until ctx ends. Without a file there is nothing to read again, and no signal ends the
// program: the log goes to standard error, which nobody but who has opened it can open again.
func (b *builder) reloadAt(ctx context.Context, signals <-chan os.Signal, started *settings, c *call) {
	for {
		select {
		case <-signals:
			if started.conf.File == "" {
				b.logger.Info("hangup: there is no --config to read again, and the log is no file of ours")
				continue
			}
			notify(stateReloading)
			if err := b.reload(started, c); err != nil {
				b.logger.Warn("the configuration cannot be used, the one before stays", "err", err)
			}
			notify(stateReady)
		case <-ctx.Done():
			return
		}
	}
}

// reload takes over what can change while the services run, all or nothing,
// and names the rest. Sessions and transfers go on.
func (b *builder) reload(started *settings, c *call) error {
	s, err := c.settle()
	if err != nil {
		return err
	}
	if len(s.file.Settings) == 0 && len(s.file.Users) == 0 { // or is about to be written: without its users, guests may read all
		return &config.FileError{File: s.file.Name, Err: errors.New("nothing is in it; write it under another name and rename that")}
	}
	next, err := newBuilder(s.conf, io.Discard)
	if err != nil {
		return c.blame(s.file, err)
	}
	next.logger, next.files, next.readOnly = b.logger, b.files, b.readOnly
	files, err := next.inspect()
	if err != nil {
		return c.blame(s.file, err)
	}
	changeable := []string{"write", "ftp-lax-tls", "ftp-lax-reuse", "ftp-overwrite"}
	if files != nil && b.certs.Load() != nil { // neither is a certificate made for a trial
		b.certs.Store(files)
		changeable = append(changeable, "tls-cert", "tls-key")
	}
	b.users.Replace(next.users)
	b.now.Store(&s.conf)
	b.show()

	b.logger.Info("the configuration was read again", "file", s.conf.File, "users", len(b.users.Names()))
	b.warnOfUsers(s.conf)
	b.tellOfChanges(started, s, changeable)
	if who := writers(s.conf); b.readOnly && len(who) > 0 {
		b.logger.Warn("a user may write, takes effect at the next start: at the last one nobody might, and the tree was opened to read only", "user", who[0].Name)
	}
	return nil
}

// tellOfChanges names what has changed since the start and is not in force.
func (b *builder) tellOfChanges(started, s *settings, inForce []string) {
	var waiting []string
	s.flags.VisitAll(func(f *pflag.Flag) {
		before := started.flags.Lookup(f.Name).Value.String()
		if f.Value.String() != before && !slices.Contains(inForce, f.Name) {
			waiting = append(waiting, f.Name)
		}
	})
	if len(waiting) > 0 {
		b.logger.Warn("changed, takes effect at the next start", "keys", strings.Join(waiting, ", "))
	}
}
