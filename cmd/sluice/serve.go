package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

func serveCommand() *cobra.Command {
	conf := config.Default()
	var users []string
	cmd := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Serve a directory over HTTP and FTP",
		Long: `Serve the files of a directory, and of those below it, over HTTP and FTP.
Without DIR it is the one you are in.

The URLs are printed on standard output, what happens is logged on standard
error. SIGINT and SIGTERM stop it: nobody new is let in, transfers may finish
while --drain lasts, then they are cut. A second signal cuts them at once.

A password on the command line can be read by every user of this machine. The
variable SLUICE_USER_alice=secret is the same as --user alice:secret without
that.`,
		Example: `  sluice serve /srv/pub
  sluice serve --http 127.0.0.1:8000 --ftp '' .
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
			return serve(cmd.Context(), conf, cmd.OutOrStdout(), slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
		},
	}
	f := cmd.Flags()
	f.StringVar(&conf.HTTP, "http", conf.HTTP, "serve HTTP on `ADDR`; '' switches it off")
	f.StringVar(&conf.FTP, "ftp", conf.FTP, "serve FTP on `ADDR`; '' switches it off")
	f.StringArrayVar(&users, "user", nil, "let `NAME:PASSWORD` log in by FTP; may be repeated")
	f.BoolVar(&conf.Anonymous, "anonymous", conf.Anonymous, "let FTP clients log in as anonymous, to read only")
	f.BoolVar(&conf.Write, "write", conf.Write, "let users with a password change files")
	f.StringVar(&conf.Road, "road", conf.Road, "`ROAD` of file data: auto (sendfile where it works) or copy")
	f.DurationVar(&conf.Drain, "drain", conf.Drain, "let transfers finish for this `TIME` when told to stop")
	return cmd
}

// addLogins adds those of the --user flags and of the environment.
func addLogins(conf *config.Config, users, environ []string) error {
	for _, user := range users {
		login, err := config.ParseLogin(user)
		if err != nil {
			return fmt.Errorf("--user wants NAME:PASSWORD: %w", err)
		}
		conf.Logins = append(conf.Logins, login)
	}
	logins, err := config.LoginsFrom(environ)
	conf.Logins = append(conf.Logins, logins...)
	return err
}

// serve serves until a signal or a failure ends it. Nothing is printed before
// all that can be known to fail has been tried.
func serve(ctx context.Context, conf config.Config, stdout io.Writer, logger *slog.Logger) error {
	road, err := sendfile.ParseRoad(conf.Road)
	if err != nil {
		return err // Check has seen it
	}
	users := new(account.Users)
	for _, login := range conf.Logins {
		if err := users.Add(login.Name, login.Password); err != nil {
			return usageError{fmt.Errorf("%w; see --user", err)}
		}
	}
	tree, err := vfs.Open(conf.Root)
	if err != nil {
		return explainRoot(conf.Root, err)
	}
	defer tree.Close()

	var services []*service
	defer func() {
		for _, s := range services {
			_ = s.listener.Close()
		}
	}()
	if conf.HTTP != "" {
		ln, err := listen(ctx, conf.HTTP)
		if err != nil {
			return explainListen("http", conf.HTTP, err)
		}
		services = append(services, &service{"http", ln, &httpd.Server{
			Handler: httpd.Handler{Tree: tree, Road: road, OnRequest: logRequest(logger)},
			Logger:  logger,
		}})
	}
	if conf.FTP != "" {
		ln, err := listen(ctx, conf.FTP)
		if err != nil {
			return explainListen("ftp", conf.FTP, err)
		}
		services = append(services, &service{"ftp", ln, &ftpd.Server{
			Tree: tree, Users: users, Anonymous: conf.Anonymous, Write: conf.Write, Road: road,
			OnLogin: logLogin(logger), OnTransfer: logTransfer(logger),
			Logger: logger,
		}})
	}

	stop := make(chan os.Signal, 2) // the second cuts
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stop)
	for _, s := range services {
		for _, url := range s.urls() {
			if _, err := fmt.Fprintln(stdout, url); err != nil {
				return fmt.Errorf("print the URL: %w", err)
			}
		}
	}
	return run(services, stop, conf.Drain, logger)
}

// listen listens without multipath TCP, which package net would use: on such
// connections some socket features fail.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	return lc.Listen(ctx, "tcp", addr)
}
