package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"sluice/httpd"
	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/filecache"
	"sluice/internal/live"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// builder turns the configuration into services.
type builder struct {
	*opener
	conf   config.Config
	tree   *vfs.Tree
	log    *logWriter // what logger writes to
	logger *slog.Logger
	live   *live.Registry

	road  sendfile.Road
	users *account.Users
	rules []httpd.Rule
	cache *filecache.Cache // the caller closes it, before the tree

	listeners map[string][]net.Listener // by scheme
	tls       *tls.Config               // nil: there is no certificate
	sweep     func(context.Context) (removed int, err error)

	portsInUse func() (used, total int) // of FTP's data connections
}

// newBuilder reads what of the configuration is more than a value.
func newBuilder(conf config.Config, stderr io.Writer) (b *builder, err error) {
	b = &builder{conf: conf, log: &logWriter{w: stderr}, users: new(account.Users), cache: &filecache.Cache{Valid: conf.CacheValid}}
	b.logger = newLogger(b.log, conf.LogFormat)
	b.live = &live.Registry{
		MaxConns: conf.MaxConns, MaxConnsPerAddr: conf.MaxConnsPerAddr,
		MaxFTPConns: conf.FTPOptions.MaxConns, MaxFTPConnsPerAddr: conf.FTPOptions.MaxConnsPerAddr,
		Started: time.Now(),
	}
	if b.road, err = sendfile.ParseRoad(conf.Road); err != nil {
		return b, err // Check has seen it
	}
	for _, login := range conf.Logins {
		if err := b.users.Add(login.Name, login.Password); err != nil {
			return b, usageError{fmt.Errorf("%w; see --user", err)}
		}
	}
	for _, header := range conf.Headers {
		rule, err := httpd.ParseRule(header)
		if err != nil {
			return b, usageError{fmt.Errorf("--header %q: %w; write it like '/assets/** Cache-Control: max-age=3600'", header, err)}
		}
		b.rules = append(b.rules, rule)
	}
	if conf.CacheValid == 0 {
		b.cache.Valid = -1 // which is how the cache says it
	}
	return b, nil
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
	var services []*service
	for _, s := range []*service{b.web(), b.ftp()} {
		if len(s.doors) > 0 {
			services = append(services, s)
		}
	}
	return services, b.checkAllTaken()
}

// listen opens all listeners.
func (b *builder) listen(ctx context.Context) (err error) {
	b.listeners = make(map[string][]net.Listener)
	for _, door := range []struct{ scheme, addr string }{
		{"http", b.conf.HTTP}, {"https", b.conf.HTTPS}, {"ftp", b.conf.FTP}, {"ftps", b.conf.FTPS},
	} {
		if b.listeners[door.scheme], err = b.open(ctx, door.scheme, door.addr); err != nil {
			return err
		}
	}
	return nil
}

// certify gets the certificate, if one is given: one for all who listen.
func (b *builder) certify() (err error) {
	if len(b.conf.TLSCerts) == 0 && !b.conf.TLSSelfSigned {
		return nil
	}
	secure := slices.Concat(b.listeners["https"], b.listeners["ftps"], b.listeners["ftp"])
	b.tls, err = tlsConfig(b.conf, allHosts(secure), b.logger)
	return err
}

// web makes the server of HTTP and HTTPS.
func (b *builder) web() *service {
	server := &httpd.Server{
		Logger:     b.logger,
		Live:       b.live,
		ProxyFrom:  b.conf.ProxyFrom,
		NoFastLane: !b.conf.FastLane,
		TLSConfig:  b.tls,
	}
	b.setUp(&server.Handler)
	all := append(doors("http", b.listeners["http"], server.Serve), doors("https", b.listeners["https"], server.ServeTLS)...)
	return &service{"http", all, server}
}

// setUp tells a Handler what to show and how.
func (b *builder) setUp(h *httpd.Handler) {
	b.cache.Tree = b.tree
	h.Tree, h.Cache, h.Road = b.tree, b.cache, b.road
	h.MinRate = int64(b.conf.MinRate)
	if b.conf.AccessLog {
		h.OnRequest = logRequest(b.log, lineFormats[b.conf.LogFormat])
		h.TellAgent = b.conf.LogFormat == config.LogCombined
	}
	h.ServerTiming = b.conf.ServerTiming
	h.Index = slices.DeleteFunc(slices.Clone(b.conf.Index), func(name string) bool { return name == "" })
	h.NoListing, h.ShowHidden, h.Archives = b.conf.NoListing, b.conf.Hidden, b.conf.Archives
	h.NotFoundPage, h.Fallback = b.conf.NotFound, b.conf.Fallback
	h.Precompressed, h.CompressListings, h.ContentETags = b.conf.Precompressed, true, b.conf.ContentETags
	h.Rules, h.CORS = b.rules, b.conf.CORS
}

// warnOfMissing tells of pages that are wanted and not there: they may come,
// so that this is no error.
func (b *builder) warnOfMissing() {
	for flag, page := range map[string]string{"--not-found": b.conf.NotFound, "--fallback": b.conf.Fallback} {
		if page == "" {
			continue
		}
		if _, err := b.tree.Stat(page); err != nil {
			b.logger.Warn("a page cannot be served", "flag", flag, "err", err)
		}
	}
}
