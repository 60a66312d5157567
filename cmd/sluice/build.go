package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/filecache"
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

	road  sendfile.Road
	users *account.Users
	rules []httpd.Rule
	cache *filecache.Cache // the caller closes it, before the tree
}

// newBuilder reads what of the configuration is more than a value.
func newBuilder(conf config.Config, stderr io.Writer) (b builder, err error) {
	b = builder{conf: conf, log: &logWriter{w: stderr}, users: new(account.Users), cache: &filecache.Cache{Valid: conf.CacheValid}}
	b.logger = slog.New(slog.NewTextHandler(b.log, nil))
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
func (b builder) services(ctx context.Context) ([]*service, error) {
	var services []*service
	for _, build := range []func(context.Context) (*service, error){b.web, b.ftp} {
		s, err := build(ctx)
		if err != nil {
			return nil, err
		}
		if len(s.doors) > 0 {
			services = append(services, s)
		}
	}
	return services, b.checkAllTaken()
}

// web makes the server of HTTP and HTTPS.
func (b builder) web(ctx context.Context) (*service, error) {
	plain, err := b.open(ctx, "http", b.conf.HTTP)
	if err != nil {
		return nil, err
	}
	secure, err := b.open(ctx, "https", b.conf.HTTPS)
	if err != nil {
		return nil, err
	}
	server := &httpd.Server{
		Logger:   b.logger,
		MaxConns: b.conf.MaxConns, MaxConnsPerAddr: b.conf.MaxConnsPerAddr,
		ProxyFrom:  b.conf.ProxyFrom,
		NoFastLane: !b.conf.FastLane,
	}
	b.setUp(&server.Handler)
	if len(secure) > 0 {
		if server.TLSConfig, err = tlsConfig(b.conf, allHosts(secure), b.logger); err != nil {
			return nil, err
		}
	}
	all := append(doors("http", plain, server.Serve), doors("https", secure, server.ServeTLS)...)
	return &service{"http", all, server}, nil
}

// setUp tells a Handler what to show and how.
func (b builder) setUp(h *httpd.Handler) {
	b.cache.Tree = b.tree
	h.Tree, h.Cache, h.Road = b.tree, b.cache, b.road
	h.MinRate = int64(b.conf.MinRate)
	if b.conf.AccessLog {
		h.OnRequest = logRequest(b.log)
	}
	h.Index = slices.DeleteFunc(slices.Clone(b.conf.Index), func(name string) bool { return name == "" })
	h.NoListing, h.ShowHidden, h.Archives = b.conf.NoListing, b.conf.Hidden, b.conf.Archives
	h.NotFoundPage, h.Fallback = b.conf.NotFound, b.conf.Fallback
	h.Precompressed, h.CompressListings, h.ContentETags = b.conf.Precompressed, true, b.conf.ContentETags
	h.Rules, h.CORS = b.rules, b.conf.CORS
}

// warnOfMissing tells of pages that are wanted and not there: they may come,
// so that this is no error.
func (b builder) warnOfMissing() {
	for flag, page := range map[string]string{"--not-found": b.conf.NotFound, "--fallback": b.conf.Fallback} {
		if page == "" {
			continue
		}
		if _, err := b.tree.Stat(page); err != nil {
			b.logger.Warn("a page cannot be served", "flag", flag, "err", err)
		}
	}
}

// ftp makes the server of FTP.
func (b builder) ftp(ctx context.Context) (*service, error) {
	listeners, err := b.open(ctx, "ftp", b.conf.FTP)
	if err != nil {
		return nil, err
	}
	server := &ftpd.Server{
		Tree: b.tree, Users: b.users, Anonymous: b.conf.Anonymous, Write: b.conf.Write, Road: b.road,
		OnLogin: logLogin(b.logger), Logger: b.logger,
	}
	if b.conf.AccessLog {
		server.OnTransfer = logTransfer(b.logger)
	}
	return &service{"ftp", doors("ftp", listeners, server.Serve), server}, nil
}
