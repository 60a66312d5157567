package main

import (
	"cmp"
	"slices"
	"sync"

	"sluice/httpd"
	"sluice/internal/account"
	"sluice/internal/vfs"
)

// pages is what HTTP shows: what a guest may see, since nobody logs in there. It changes
// with the bounds of anonymous, and with the directory that is served.
type pages struct {
	mu      sync.Mutex // guards the fields below
	guest   account.Account
	root    *vfs.Root
	known   bool           // the two above are set, and the guest's home was there
	handler *httpd.Handler // of these
	home    *vfs.Root      // of guest, if it is not the whole tree
	server  *httpd.Server  // nil: nobody is served yet
}

// guest returns who asks by HTTP; one without rights sees nothing.
func (b *builder) guest() account.Account {
	guest := b.users.Anonymous()
	if !b.conf.Anonymous {
		guest.Rights = 0
	}
	return guest
}

// show has HTTP show what the guest may see now, if that has changed.
func (b *builder) show() {
	p := &b.pages
	p.mu.Lock()
	defer p.mu.Unlock()
	guest, root := b.guest(), b.root.tree()
	isSame := p.handler != nil && p.guest == guest && p.root == root
	if p.known && isSame {
		return
	}
	handler, home := b.pagesOf(guest, root)
	isMissing := guest.Home != "" && home == nil
	if isMissing && isSame {
		return // still
	}
	before := p.handler
	p.handler, p.home, p.guest, p.root, p.known = handler, home, guest, root, !isMissing
	if p.server != nil {
		p.server.SetHandler(p.handler)
	}
	if before != nil {
		_ = before.Close() // what it has begun goes on, and so the trees are left to the garbage collector
	}
}

// pagesOf returns a Handler of what a guest may see of root, and the tree that was opened
// for it; nil: none was.
func (b *builder) pagesOf(guest account.Account, root *vfs.Root) (*httpd.Handler, *vfs.Root) {
	h := new(httpd.Handler)
	b.setUp(h)
	b.limitWeb(h, guest.MaxRate)
	h.NoListing = h.NoListing || !guest.Rights.Has(account.List)
	h.Archives = h.Archives && !h.NoListing // which tell as much
	if !guest.Rights.Has(account.Read) {
		return h, nil // nothing
	}
	if guest.Home == "" {
		h.FS = root
		return h, nil
	}
	home, err := root.Sub(guest.Home)
	if err != nil {
		return h, nil // warnOfUsers tells, and followRoot tries again
	}
	h.FS = home
	return h, home
}

// current returns the Handler that answers now.
func (p *pages) current() *httpd.Handler {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.handler
}

// stats tells what the Handler that answers now keeps open.
func (p *pages) stats() httpd.CacheStats { return p.current().CacheStats() }

// close closes all files, when nothing is served any more.
func (p *pages) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handler != nil {
		_ = p.handler.Close()
	}
	if p.home != nil {
		_ = p.home.Close()
	}
}

// setUp tells a Handler how to show files.
func (b *builder) setUp(h *httpd.Handler) {
	h.CacheValid, h.Method = orOff(b.conf.CacheValid), b.method
	h.ServerTiming = b.conf.ServerTiming
	h.Index = slices.DeleteFunc(slices.Clone(b.conf.Index), func(name string) bool { return name == "" })
	h.NoListing, h.ShowHidden, h.Archives = b.conf.NoListing, b.conf.Hidden, b.conf.Archives
	h.NotFoundPage, h.Fallback = b.conf.NotFound, b.conf.Fallback
	h.Precompressed, h.CompressListings, h.ContentETags = b.conf.Precompressed, true, b.conf.ContentETags
	h.Rules, h.CORS = b.rules, b.conf.CORS
}

// warnOfPages tells of pages that are wanted and not there: they may come, so that this is
// no error. It tells also if there is nothing to see.
func (b *builder) warnOfPages() {
	if !b.conf.Serves("http", "https") {
		return
	}
	h := b.pages.current()
	if h.FS == nil {
		b.logger.Warn("HTTP shows nothing: it shows what the guest may read", "anonymous", b.conf.Anonymous, "home", cmp.Or(b.guest().Home, "/"))
		return
	}
	for flag, page := range map[string]string{"--not-found": b.conf.NotFound, "--fallback": b.conf.Fallback} {
		if page == "" {
			continue
		}
		if _, err := h.FS.Stat(page); err != nil {
			b.logger.Warn("a page cannot be served", "flag", flag, "err", err)
		}
	}
}
