package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"sluice/httpd"
	"sluice/internal/account"
	"sluice/internal/certs"
	"sluice/internal/config"
	"sluice/internal/live"
	"sluice/internal/sandbox"
	"sluice/sendfile"
)

// builder turns the configuration into services.
type builder struct {
	*opener
	conf   config.Config
	root   servedRoot
	log    *logWriter // what logger writes to
	logger *slog.Logger
	live   *live.Registry
	limits limits

	method sendfile.Method
	rules  []httpd.Rule
	pages  pages

	listeners map[string][]net.Listener // by scheme
	tls       *tls.Config               // nil: there is no certificate

	// What a reload exchanges while the services run.
	now   atomic.Pointer[config.Config]
	users *account.Users
	certs atomic.Pointer[certs.Reloader] // nil: none from files

	sweep func(context.Context) (removed int, err error)

	onSync func(directory bool, took time.Duration) // nil: nobody wants to know

	portsInUse func() (used, total int) // of FTP's data connections

	// How the process is contained.
	user     *sandbox.User  // to become; nil: nobody else
	files    *sandbox.Files // what opens the files of the configuration; nil: the process itself may
	readOnly bool           // nobody may write before the next start, whatever a reload says
}

// newBuilder reads what of the configuration is more than a value.
func newBuilder(conf config.Config, stderr io.Writer) (b *builder, err error) {
	b = &builder{conf: conf, log: &logWriter{w: stderr}}
	b.logger = newLogger(b.log, conf.LogFormat)
	b.live = &live.Registry{
		MaxConns: conf.MaxConns, MaxConnsPerAddr: conf.MaxConnsPerAddr,
		MaxFTPConns: conf.FTPOptions.MaxConns, MaxFTPConnsPerAddr: conf.FTPOptions.MaxConnsPerAddr,
		Started: time.Now(),
	}
	if conf.AccessLog {
		b.hear(logTransfer(b.log, lineFormats[conf.LogFormat]))
	}
	if b.method, err = sendfile.ParseMethod(conf.Method); err != nil {
		return b, err // Check has seen it
	}
	b.makeLimits()
	if b.users, err = accounts(conf); err != nil {
		return b, err
	}
	b.now.Store(&b.conf)
	for _, header := range conf.Headers {
		rule, err := httpd.ParseRule(header)
		if err != nil {
			return b, usageError{fmt.Errorf("--header %q: %w; write it like '/assets/** Cache-Control: max-age=3600'", header, err)}
		}
		b.rules = append(b.rules, rule)
	}
	return b, nil
}

// openBuilder is newBuilder with the tree to serve. The caller calls
// closeFiles.
func openBuilder(conf config.Config, stderr io.Writer) (*builder, error) {
	b, err := newBuilder(conf, stderr)
	if err != nil {
		return nil, err
	}
	if err = b.root.open(conf.Root); err != nil {
		b.log.flush()
		return nil, explainRoot(conf.Root, err)
	}
	return b, nil
}

// closeFiles closes what openBuilder has opened, when nothing is served any more.
func (b *builder) closeFiles() {
	b.pages.close()
	_ = b.root.tree().Close()
	_ = b.files.Close()
	b.log.flush()
}

// services opens the doors of all services. One that is switched off has none
// and is left out.
func (b *builder) services(ctx context.Context) ([]*service, error) {
	if err := b.listen(ctx); err != nil {
		return nil, err
	}
	if err := b.certify(); err != nil {
		return nil, err
	}
	all := []*service{b.web(), b.ftp()}
	if b.conf.HTTPSRedirect {
		all = append(all, b.redirecting())
	}
	var services []*service
	for _, s := range all {
		if len(s.doors) > 0 {
			services = append(services, s)
		}
	}
	return services, b.checkAllTaken()
}

// listen opens all listeners.
func (b *builder) listen(ctx context.Context) error {
	b.listeners = make(map[string][]net.Listener)
	for _, scheme := range config.Schemes {
		for _, addr := range b.conf.Addresses(scheme) {
			opened, err := b.open(ctx, scheme, addr)
			if err != nil {
				return err
			}
			b.listeners[scheme] = append(b.listeners[scheme], opened...)
		}
	}
	return nil
}

// web makes the server of HTTP and HTTPS.
func (b *builder) web() *service {
	b.show()
	server := &httpd.Server{
		Handler:    b.pages.current(),
		MinRate:    int64(b.conf.MinRate),
		Logger:     b.logger,
		Live:       b.live,
		ProxyFrom:  b.conf.ProxyFrom,
		NoFastPath: !b.conf.FastPath,
		TLSConfig:  b.tls,
	}
	b.pages.server = server
	all := doors("https", b.listeners["https"], server.ServeTLS)
	if !b.conf.HTTPSRedirect {
		all = append(doors("http", b.listeners["http"], server.Serve), all...)
	}
	return &service{"http", all, server}
}

// hear adds a hook that is called with each request and transfer of all servers.
func (b *builder) hear(hook func(live.Record)) {
	before := b.live.OnTransfer
	if before == nil {
		b.live.OnTransfer = hook
		return
	}
	b.live.OnTransfer = func(rec live.Record) { before(rec); hook(rec) }
}

// warnOfMissing tells of pages and homes that are wanted and not there, and of what else
// may be amiss with users and listeners.
func (b *builder) warnOfMissing() {
	b.show() // which a check has no other use for
	b.warnOfPages()
	b.warnOfClear()
	b.warnOfUsers(b.conf)
}

// warnOfClear tells of a way around TLS where that is demanded.
func (b *builder) warnOfClear() {
	if b.conf.Serves("ftp") && b.conf.FTPOptions.TLS == "required" && b.conf.Serves("http") && !b.conf.HTTPSRedirect {
		b.logger.Warn("FTP demands TLS, and HTTP serves the same directory in clear", "instead", "--https ADDR --https-redirect, or no --http")
	}
}
