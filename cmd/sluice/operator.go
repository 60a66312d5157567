package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/admin"
	"sluice/internal/config"
	"sluice/internal/sandbox"
)

// adminScheme is what --admin is called where the others are http and ftp.
const adminScheme = "admin"

func addAdminFlags(cmd *cobra.Command, conf *config.Config) {
	f := cmd.Flags()
	f.StringVar(&conf.Admin, "admin", conf.Admin, "answer the operator, Prometheus and \"sluice top\" on `ADDR`, such as 127.0.0.1:9180 or unix:PATH; an address that others can reach needs a token")
	f.StringVar(&conf.AdminTokenFile, "admin-token-file", conf.AdminTokenFile, "`FILE` with the token that they must show; the variable SLUICE_ADMIN_TOKEN is the same")
	f.BoolVar(&conf.AdminPprof, "admin-pprof", conf.AdminPprof, "show them profiles of the program too")
}

// operator is the server that answers the operator: none if there is no
// address for it.
type operator struct {
	handler   *admin.Handler
	listeners []net.Listener
	server    http.Server
	logger    *slog.Logger
	serving   sync.WaitGroup
}

// operator opens the listener of --admin.
func (b *builder) operator(ctx context.Context) (*operator, error) {
	o := &operator{logger: b.logger, handler: &admin.Handler{
		Live: b.live, Version: version, Pprof: b.conf.AdminPprof, Cache: b.pages.stats,
		OnKill: func(id uint64, by string) {
			b.logger.Info("a session was cut by the operator", "session", id, "by", by)
		},
	}}
	if b.conf.Admin == "" {
		return o, nil
	}
	var err error
	if o.handler.Token, err = readToken(b.files, b.conf.AdminTokenFile); err != nil {
		return nil, err
	}
	if o.listeners, err = b.open(ctx, adminScheme, b.conf.Admin); err != nil {
		return nil, err
	}
	for _, ln := range o.listeners {
		if err := b.checkReach(ln.Addr(), o.handler.Token); err != nil {
			return nil, err
		}
		if isOpen(ln.Addr()) {
			o.logger.Warn("the admin listener has no TLS: on the way to it its token can be read", "addr", ln.Addr().String())
		}
	}
	b.hear(o.handler.OnTransfer)
	b.onSync = o.handler.OnSync
	o.server = http.Server{Handler: o.handler, ErrorLog: slog.NewLogLogger(b.logger.Handler(), slog.LevelWarn)}
	boundTimes(&o.server, 2*time.Minute) // longer than a profile of the processor
	return o, nil
}

// boundTimes lets no client keep one of the few places of admin.Limit longer
// than that, whatever it sends or does not read. A token is asked for later.
func boundTimes(s *http.Server, longest time.Duration) {
	s.ReadHeaderTimeout = min(10*time.Second, longest)
	s.ReadTimeout, s.WriteTimeout, s.IdleTimeout = longest, longest, longest
}

// isOpen reports whether other hosts can reach addr.
func isOpen(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

// checkReach refuses to answer the operator on an address that others can reach
// if there is no token.
func (b *builder) checkReach(addr net.Addr, token string) error {
	if token != "" || !isOpen(addr) {
		return nil
	}
	return usageError{fmt.Errorf("--admin %s: others can reach %v, so it needs a token; name a file with one by --admin-token-file, or listen on 127.0.0.1", b.conf.Admin, addr)}
}

// serve begins to answer.
func (o *operator) serve(services []*service) {
	for _, s := range services {
		for _, d := range s.doors {
			o.handler.Listeners = append(o.handler.Listeners, admin.Door{Protocol: d.scheme, Listener: d.listener})
		}
	}
	for _, ln := range o.listeners {
		o.logger.Info("the admin listener is open", "addr", ln.Addr().String())
		o.serving.Go(func() {
			if err := o.server.Serve(admin.Limit(ln)); !errors.Is(err, http.ErrServerClosed) {
				o.logger.Error("the admin listener failed, the servers go on", "err", err)
			}
		})
	}
}

// close ends the answers, those under way too.
func (o *operator) close() {
	_ = o.server.Close()
	o.serving.Wait()
	_ = o.handler.Close()
}

// tokenVariable holds the token if no file is named.
const tokenVariable = "SLUICE_ADMIN_TOKEN"

// readToken returns what the file holds, less the end of its line, or if there
// is no file the variable; "": neither.
func readToken(files *sandbox.Files, file string) (string, error) {
	source, token := tokenVariable, os.Getenv(tokenVariable)
	if file != "" {
		content, err := files.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("--admin-token-file: %w", err)
		}
		source, token = "--admin-token-file "+file, strings.TrimRight(string(content), "\r\n")
	}
	if token == "" && file == "" {
		return "", nil
	}
	if err := admin.CheckToken(token); err != nil {
		return "", usageError{fmt.Errorf("%s: %w; make one by: head -c 24 /dev/urandom | base64", source, err)}
	}
	return token, nil
}
