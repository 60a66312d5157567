package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"sluice/internal/config"
	"sluice/internal/vfs"
)

func serveCommand() *cobra.Command {
	conf := config.Default()
	var users []string
	cmd := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Serve a directory over HTTP, HTTPS, FTP and FTPS",
		Long: `Serve the files of a directory, and of those below it, over HTTP, HTTPS, FTP and
FTPS.
Without DIR it is the one you are in.

The URLs are printed on standard output, what happens is logged on standard
error. SIGINT and SIGTERM stop it: nobody new is let in, transfers may finish
while --drain lasts, then they are cut. A second signal cuts them at once.

ADDR is HOST:PORT, or :PORT for all addresses of this machine; for HTTP and
HTTPS also unix:PATH, a socket for a proxy in front; or the word systemd for the
sockets that systemd hands over under the name http, https, ftp, ftps or admin.

The access log has a line for each request and each transfer, as --log-format
says: text is key=value and json the same as JSON, with the road of the bytes
and, of what took more than a moment, what held it back. combined is that of
nginx and Apache; a transfer by FTP stands in it as in ProFTPD's logs, as
"RETR /path" with the status 226, 426, 451 or 550. xferlog is that of wu-ftpd,
with a line for each file that was moved, by HTTP too. With these two, lines
about anything else stay text among them.

A password on the command line can be read by every user of this machine. The
variable SLUICE_USER_alice=secret is the same as --user alice:secret without
that.`,
		Example: `  sluice serve /srv/pub
  sluice serve --http 127.0.0.1:8000 --ftp '' .
  sluice serve --https :8443 --tls-cert site.pem --tls-key site.key /srv/pub
  sluice serve --ftp :21 --ftps :990 --ftp-tls required --tls-cert site.pem --tls-key site.key /srv/pub
  SLUICE_USER_alice=secret sluice serve --write --anonymous=false /srv/pub`,
		Args: argsAtMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				conf.Root = args[0]
			}
			if err := addLogins(&conf, users, os.Environ()); err != nil {
				return misused(cmd, err)
			}
			if err := conf.Check(); err != nil {
				return misused(cmd, err)
			}
			return serve(cmd.Context(), conf, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addFlags(cmd, &conf, &users)
	return cmd
}

// serve serves until a signal or a failure ends it. Nothing is printed before
// all that can be known to fail has been tried.
func serve(ctx context.Context, conf config.Config, stdout, stderr io.Writer) error {
	b, err := newBuilder(conf, stderr)
	if err != nil {
		return err
	}
	defer b.log.flush()
	if b.tree, err = vfs.Open(conf.Root); err != nil {
		return explainRoot(conf.Root, err)
	}
	defer b.tree.Close()
	defer b.cache.Close()
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
	chores, cancel := context.WithCancel(ctx)
	var sweeping sync.WaitGroup
	sweeping.Go(func() { b.sweepNowAndThen(chores) })
	defer sweeping.Wait()
	defer cancel()
	stop := make(chan os.Signal, 2) // the second cuts
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stop)
	for _, url := range allURLs(services) {
		if _, err := fmt.Fprintln(stdout, url); err != nil {
			return fmt.Errorf("print the URL: %w", err)
		}
	}
	if b.conf.FTP != "" || b.conf.FTPS != "" {
		operator.handler.PassivePorts = b.portsInUse
	}
	operator.serve(services)
	return run(services, stop, conf.Drain, operator.handler.Drain, b.live, b.logger)
}
