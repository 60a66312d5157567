package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"sluice/internal/admin"
	"sluice/internal/budget"
	"sluice/internal/config"
	"sluice/internal/daemon/listen"
	"sluice/internal/mounts"
)

// operator is the server of --admin. Without an address it has no listeners.
type operator struct {
	handler   *admin.Handler
	listeners []net.Listener
	server    http.Server
	logger    *slog.Logger
	serving   sync.WaitGroup
}

// newOperator opens the listener of --admin.
func (d *daemon) newOperator(ctx context.Context, version string) (*operator, error) {
	o := &operator{logger: d.logger, handler: &admin.Handler{
		Live: d.live, Version: version, Pprof: d.conf.AdminPprof, Cache: d.pages.stats, Loops: d.pages.loops,
		Budget: budget.Of(&d.budget),
		Mounts: mounts.Busy,
		Store:  d.root.requests(), Ready: d.root.ready,
		OnKill: func(id uint64, by string) {
			d.logger.Info("a session was cut by the operator", "session", id, "by", by)
		},
	}}
	if d.conf.Admin == "" {
		return o, nil
	}
	var err error
	if o.handler.Token, err = d.readToken(); err != nil {
		return nil, err
	}
	if o.listeners, err = d.opener.Open(ctx, listen.Admin, d.conf.Admin); err != nil {
		return nil, err
	}
	for _, ln := range o.listeners {
		if err := d.requireToken(ln.Addr(), o.handler.Token); err != nil {
			return nil, err
		}
		if isReachable(ln.Addr()) {
			o.logger.Warn("the admin listener has no TLS: its token can be read on the network", "addr", ln.Addr().String())
		}
	}
	d.addHook(o.handler.OnTransfer)
	d.onSync = o.handler.OnSync
	o.server = http.Server{
		Handler: o.handler, ConnContext: admin.ConnContext, ErrorLog: slog.NewLogLogger(d.logger.Handler(), slog.LevelWarn),
	}
	setTimeouts(&o.server, 2*time.Minute) // longer than a CPU profile
	return o, nil
}

// setTimeouts keeps each client from holding one of the few connections of
// admin.Limit for longer than limit, whatever it sends or does not read. It holds
// before the token is checked.
func setTimeouts(s *http.Server, limit time.Duration) {
	s.ReadHeaderTimeout = min(10*time.Second, limit)
	s.ReadTimeout, s.WriteTimeout, s.IdleTimeout = limit, limit, limit
}

// isReachable reports whether other hosts can reach addr.
func isReachable(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

// requireToken returns an error if other hosts can reach addr and there is no
// token.
func (d *daemon) requireToken(addr net.Addr, token string) error {
	if token != "" || !isReachable(addr) {
		return nil
	}
	return config.UsageError{Err: fmt.Errorf("--admin %s: others can reach %v, so it needs a token; name a file with one by --admin-token-file, or listen on 127.0.0.1", d.conf.Admin, addr)}
}

// readToken returns the token that clients of --admin must show; "": none.
func (d *daemon) readToken() (string, error) {
	token, err := admin.ReadToken(d.files.ReadFile, d.conf.AdminTokenFile)
	if errors.As(err, new(*admin.TokenError)) {
		err = config.UsageError{Err: err}
	}
	return token, err
}

// serve starts serving.
func (o *operator) serve(services []*service) {
	for _, s := range services {
		for _, l := range s.listeners {
			o.handler.Listeners = append(o.handler.Listeners, admin.Listener{Protocol: l.scheme, Listener: l.Listener})
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

// close cuts all connections and waits for their end.
func (o *operator) close() {
	_ = o.server.Close()
	o.serving.Wait()
	_ = o.handler.Close()
}
