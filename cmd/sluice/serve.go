package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"sluice/internal/config"
)

func serveCommand() *cobra.Command {
	var c call
	var check bool
	cmd := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Serve a directory over HTTP, HTTPS, FTP and FTPS",
		Long: `Serve the files of a directory, and of those below it, over HTTP, HTTPS, FTP and
FTPS.
Without DIR it is the one you are in.

The URLs are printed on standard output, what happens is logged on standard
error. SIGINT and SIGTERM stop it: nobody new is let in, transfers may finish
while --drain lasts, then they are cut. A second signal cuts them at once. A disk
that hangs is not waited for longer than 3s after that.

ADDR is HOST:PORT, or :PORT for all addresses of this machine; for HTTP and
HTTPS also unix:PATH, a socket for a proxy in front; or the word systemd for the
sockets that systemd hands over under the name http, https, ftp, ftps or admin.

The access log has a line for each request and each transfer, as --log-format
says: text is key=value and json the same as JSON, with the method that
moved the bytes and, of what took more than a moment, what held it back. combined is that of
nginx and Apache; a transfer by FTP stands in it as in ProFTPD's logs, as
"RETR /path" with the status 226, 426, 451 or 550. xferlog is that of wu-ftpd,
with a line for each file that was moved, by HTTP too. With these two, lines
about anything else stay text among them.

A password on the command line can be read by every user of this machine. The
variable SLUICE_USER_alice=secret is the same as --user alice:secret without
that.

The file of --config is TOML. Its keys are the flags below without the dashes
and, for DIR, root; flags that may be repeated take lists. What the command line
says counts in the place of what the file says. Relative names of files are
relative to the folder of the file. Users are tables:

  root = "/srv/pub"
  http = ":80"
  ftp-passive-ports = "50000-50100"
  index = ["index.html", "index.htm"]

  [user.alice]
  password = "..."              # a hash that "sluice passwd" makes
  home = "/alice"               # in DIR; all of DIR if not given
  rights = ["list", "read"]     # of list, read, create, change, delete, rename,
                                # link, all of these by "all", and who (SITE WHO);
                                # if not given, what --write says
  max-sessions = 2              # at one time
  max-rate = "1MiB"             # bytes per second, of all transfers together

  [user.anonymous]              # bounds of who has no password, by HTTP too
  home = "/pub"

Started as root, it listens and reads its keys and then becomes another user:
sluice if there is one, else the owner of DIR unless that is root, else nobody,
or the one of --run-as. On Linux the process then opens nothing but DIR, runs no
program and has no capabilities; the files of the configuration are read again
through a small process that stays what it was. The log tells what is in force.

SIGHUP reads the file again: users and certificates change for new logins and
new connections, what else has changed is named in the log and waits for the
next start. A file with a mistake in it changes nothing. It never ends the
server, also without --config.

DIR is looked up again twice a second: when its name has come to mean another
directory, by a link that was switched for example, that is served. Transfers
under way, and sessions of FTP until they log in again, go on in the old one.`,
		Example: `  sluice serve /srv/pub
  sluice serve --http 127.0.0.1:8000 .
  sluice serve --https :8443 --tls-cert site.pem --tls-key site.key /srv/pub
  sluice serve --ftp :21 --ftps :990 --ftp-tls required --tls-cert site.pem --tls-key site.key /srv/pub
  SLUICE_USER_alice=secret sluice serve --write --anonymous=false /srv/pub
  sluice serve --config /etc/sluice.toml --check`,
		Args: argsAtMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			hangups := make(chan os.Signal, 1)
			if !check {
				signal.Notify(hangups, syscall.SIGHUP) // for as long as the program runs: none ends it; never comes on Windows
			}
			c.flags, c.args, c.environ = cmd.Flags(), args, os.Environ()
			s, err := c.settle()
			switch {
			case errors.As(err, new(*config.FileError)):
				return usageError{err}
			case err != nil:
				return misused(cmd, err)
			case check:
				err = try(s.conf, cmd.OutOrStdout(), cmd.ErrOrStderr())
			default:
				err = serve(cmd.Context(), s, &c, hangups, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			if bad := (usageError{}); errors.As(err, &bad) {
				err = usageError{c.blame(s.file, bad.err)}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&c.file, "config", "", "read what follows from `FILE` where it is not said here; see above")
	f.BoolVar(&check, "check", false, "only look whether all that is said makes sense and can be read, and serve nothing")
	unused := config.Default() // settle parses into its own
	addFlags(cmd, &unused, new([]string))
	return cmd
}

// serve serves until a signal or a failure ends it. Nothing is printed before
// all that can be known to fail has been tried.
//
// It does not return if a disk hangs: then it ends the program.
func serve(ctx context.Context, s *settings, c *call, hangups <-chan os.Signal, stdout, stderr io.Writer) error {
	conf := s.conf
	b, err := openBuilder(conf, stderr)
	if err != nil {
		return err
	}
	defer b.closeFiles()
	if err := b.chooseUser(); err != nil {
		return err
	}
	if b.opener, err = newOpener(conf.ReusePort); err != nil {
		return err
	}
	defer b.opener.close()

	operator, err := b.operator(ctx)
	if err != nil {
		return err
	}
	defer operator.close()
	services, err := b.services(ctx)
	if err != nil {
		return err
	}
	b.warnOfMissing()
	contained, err := b.contain(c, services)
	if err != nil {
		return err
	}
	operator.handler.Contained = contained
	chores, cancel := context.WithCancel(ctx)
	var doing sync.WaitGroup
	doing.Go(func() { b.sweepNowAndThen(chores) })
	doing.Go(func() { b.followRoot(chores) })
	doing.Go(func() { b.reloadAt(chores, hangups, s, c) })
	defer doing.Wait()
	defer cancel()
	stop := make(chan os.Signal, 3) // the second cuts, the third does not wait for the disk
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stop)
	for _, url := range allURLs(services) {
		if _, err := fmt.Fprintln(stdout, url); err != nil {
			return fmt.Errorf("print the URL: %w", err)
		}
	}
	if b.conf.Serves("ftp", "ftps") {
		operator.handler.PassivePorts = b.portsInUse
	}
	operator.serve(services)
	notify(stateReady) // who connects from now on waits in a queue, and is not refused
	end := ending{stop: stop, drain: conf.Drain, draining: operator.handler.Drain, giveUp: b.giveUp}
	return end.run(services, b.live, b.logger)
}
