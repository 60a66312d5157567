package daemon

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"sluice/httpd"
	"sluice/internal/account"
	"sluice/internal/admin"
	"sluice/internal/rightsfs"
	"sluice/internal/vfs"
)

// pages is the Handler of HTTP, which shows what the guest may read. It is replaced
// when the guest's account or the served directory changes.
type pages struct {
	mu      sync.Mutex      // guards the fields below
	guest   account.Account // with its tree
	known   bool            // guest is set, and its home existed
	retry   time.Time       // when to look for it again, if it did not
	handler *httpd.Handler  // for guest
	leave   func()          // closes the guest's home; nil: it is the whole tree
	server  *httpd.Server   // nil: not serving yet
}

// updatePages replaces the Handler if what the guest may read has changed.
func (d *daemon) updatePages() {
	p := &d.pages
	isOther := p.isHomeOther() // not with mu locked, because a file system may hang
	p.mu.Lock()
	defer p.mu.Unlock()
	guest := *d.withTree(d.guest())
	isSame := p.handler != nil && p.guest == guest
	if isSame && (p.known && !isOther || !p.known && time.Now().Before(p.retry)) {
		return
	}
	handler, leave := d.newHandler(guest)
	isMissing := guest.Home != "" && leave == nil
	p.retry = time.Now().Add(d.root.pauseForHome(guest.Home))
	if isMissing && isSame {
		return // it is still missing
	}
	before := p.handler
	p.handler, p.leave, p.guest, p.known = handler, leave, guest, !isMissing
	if p.server != nil {
		p.server.SetHandler(p.handler)
	}
	if before != nil {
		_ = before.Close() // its responses go on, so the garbage collector closes the trees
	}
}

// isHomeOther reports whether another directory has the name of the guest's home now, or
// the one that is open is out of reach, as that of a FUSE file system that was mounted
// again.
func (p *pages) isHomeOther() bool {
	p.mu.Lock()
	handler, guest, known := p.handler, p.guest, p.known
	p.mu.Unlock()
	tree, _ := guest.FS.(vfs.Tree)
	if _, _, isOfHost := vfs.RootOf(tree, guest.Home); !isOfHost || !known || guest.Home == "" || handler.FS == nil {
		return false
	}
	present, err := tree.Stat(guest.Home)
	if err != nil {
		return false // it is served until there is a new one, as the whole tree is
	}
	opened, err := handler.FS.Stat("/")
	if errors.Is(err, vfs.ErrNotResponding) {
		return false
	}
	return err != nil || !os.SameFile(present, opened)
}

// newHandler returns a Handler for what a guest may see and make, and the function that closes
// the guest's home; nil: none was opened.
func (d *daemon) newHandler(guest account.Account) (*httpd.Handler, func()) {
	h := new(httpd.Handler)
	d.configure(h)
	d.limitHTTP(h, guest.MaxRate)
	h.Volume, h.VolumeDir, h.Quota, h.MaxUpload = guest.Volume, guest.Home, guest.Quota, guest.Quota.FileBytes
	if guest.Paths.Union(guest.Rights)&account.All == 0 {
		return h, nil // without a file system it answers 404
	}
	if rightsfs.IsNeeded(guest.Rights, guest.Paths) {
		h.Paths = guest.Paths.WithRoot(guest.Rights)
	} else {
		h.NoListing = h.NoListing || !guest.Rights.Has(account.List)
	}
	h.Archives = h.Archives && !h.NoListing // an archive lists names too
	if d.changesFiles(&guest) {
		h.Write, h.Durability = httpd.Create, d.durability()
	}
	if guest.Home == "" {
		h.FS = guest.FS
		return h, nil
	}
	home, leave, err := vfs.Sub(vfs.Of(guest.FS), guest.Home)
	if err != nil {
		return h, nil // warnUsers logs it, and followRoot tries again
	}
	h.FS = home
	return h, leave
}

// accountOptions returns the options of the Handlers of users, which have no limits of
// the guest.
func (d *daemon) accountOptions() *httpd.Handler {
	h := new(httpd.Handler)
	d.configure(h)
	d.limitTransfers(h)
	if d.mayWrite() {
		h.Write = httpd.Create | httpd.Change | httpd.Delete | httpd.Rename
	}
	h.Durability = d.durability()
	return h
}

// current returns the Handler in use.
func (p *pages) current() *httpd.Handler {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.handler
}

// serve makes server answer with the Handler in use, and with those that replace it.
func (p *pages) serve(server *httpd.Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = server
	server.SetHandler(p.handler)
}

// stats returns what the Handlers in use keep open.
func (p *pages) stats() httpd.CacheStats {
	p.mu.Lock()
	server, handler := p.server, p.handler
	p.mu.Unlock()
	if server == nil {
		return handler.CacheStats()
	}
	return server.CacheStats()
}

// loops describes the event loops that answer.
func (p *pages) loops() (all []admin.Loop) {
	p.mu.Lock()
	server := p.server
	p.mu.Unlock()
	if server == nil {
		return nil
	}
	for _, l := range server.LoopStats() {
		all = append(all, admin.Loop{
			Address: l.Listener.String(), Number: l.Loop, Connections: l.Connections, Sending: l.Sending,
			Accepted: l.Accepted, Silent: l.Silent, Turns: l.Turns, Workers: l.Worked, Replaced: l.Replaced,
		})
	}
	return all
}

// close closes all files. The server must have ended.
func (p *pages) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handler != nil {
		_ = p.handler.Close()
	}
	if p.leave != nil {
		p.leave()
	}
}

// configure sets the options of a Handler.
func (d *daemon) configure(h *httpd.Handler) {
	h.CacheValid, h.Method = zeroIsOff(d.conf.CacheValid), d.method
	h.ServerTiming = d.conf.ServerTiming
	h.Index = slices.DeleteFunc(slices.Clone(d.conf.Index), func(name string) bool { return name == "" })
	h.NoListing, h.ShowHidden, h.Archives = d.conf.NoListing, d.conf.Hidden, d.conf.Archives
	h.WebDAV, h.Budget = d.conf.WebDAV, &d.budget
	h.KeepUploads = max(d.conf.FTPOptions.KeepPartials, time.Hour) // as the sweep of both
	h.NotFoundPage, h.Fallback = d.conf.NotFound, d.conf.Fallback
	h.Precompressed, h.CompressListings, h.ContentETags = d.conf.Precompressed, true, d.conf.ContentETags
	h.Rules, h.CORS = d.rules, d.conf.CORS
	if d.conf.S3.Redirect {
		h.RedirectFor, h.RedirectFrom = d.conf.S3.RedirectFor, int64(d.conf.S3.RedirectFrom)
	}
}

// warnPages logs pages that are configured and missing, which is no error because
// they may be created later. It also logs if HTTP shows nothing at all.
func (d *daemon) warnPages() {
	if !d.conf.Serves("http", "https") {
		return
	}
	h := d.pages.current()
	if h.FS == nil {
		if d.conf.HasUser() && d.guest().Home == "" {
			return // guests are asked for a password
		}
		d.logger.Warn("HTTP shows nothing without a login: it shows what the guest may read",
			"anonymous", d.conf.Anonymous, "home", cmp.Or(d.guest().Home, "/"))
		return
	}
	for flag, page := range map[string]string{"--not-found": d.conf.NotFound, "--fallback": d.conf.Fallback} {
		if page == "" {
			continue
		}
		if _, err := h.FS.Stat(page); err != nil {
			d.logger.Warn("a page cannot be served", "flag", flag, "err", err)
		}
	}
}
