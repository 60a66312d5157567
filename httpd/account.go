package httpd

import (
	"errors"
	"hash/fnv"
	"io"
	"os"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/account"
	"sluice/internal/budget"
	"sluice/internal/filecache"
	"sluice/internal/quota"
	"sluice/internal/rate"
	"sluice/internal/rightsfs"
	"sluice/internal/vfs"
)

// accountHandlers has the Handlers of the accounts that have logged in. Accounts that
// may see the same share one. The zero value is ready for use.
type accountHandlers struct {
	mu     sync.Mutex // guards the fields below, and those of the handlers
	shared *sharedBounds
	byKey  map[accountKey]*accountHandler
}

// sharedBounds are the bounds of memory and descriptors that the Handler of the guest
// and those of the accounts keep to together.
type sharedBounds struct {
	budget *budget.Budget
	files  filecache.Budget
}

// accountKey is what decides the responses to an account.
type accountKey struct {
	options *Handler
	fs      afero.Fs // comparable
	home    string

	rights       account.Rights // to read, and those of options.Write at most
	paths        *Paths         // instead of rights
	hideDotFiles bool
	maxRate      int64           // of each response
	limit        *rate.UserLimit // of all responses, and of all uploads; nil: none
	space        *quota.Space    // for what is written; nil: no bound
}

// accountHandler is the Handler of an account. The caller of acquire releases it.
type accountHandler struct {
	*Handler
	key       accountKey
	closeHome func() // closes what was opened for Home

	uses    int       // requests under way
	used    time.Time // when the last one ended
	checked time.Time // when Home was last known to be this directory
	dropped bool      // not in byKey: it is closed with its last use
}

const (
	// maxAccountHandlers bounds the Handlers that are kept. Those in use may be more.
	maxAccountHandlers = 64

	forgetAccount = time.Minute // after the last use
)

// checkHome is how long a home may be another directory unnoticed. It is a variable for
// the tests.
var checkHome = time.Second

// adopt makes h, the Handler of guests, share the bounds of the accounts. options is that
// of acquire. It is called before h is used.
func (a *accountHandlers) adopt(h, options *Handler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.prepareLocked()
	if h.shared == nil {
		h.shared = a.shared
	}
	h.prepared().Planner.AllowLogins(options.Write != 0)
}

func (a *accountHandlers) prepareLocked() {
	if a.shared == nil {
		a.shared = &sharedBounds{budget: budget.New()}
		a.byKey = make(map[accountKey]*accountHandler)
	}
}

// acquire returns the Handler for an account, with the given options and the limit of the
// user; nil: none. The error says why the home cannot be opened.
func (a *accountHandlers) acquire(options *Handler, acc *Account, limit *rate.UserLimit) (*accountHandler, error) {
	now := time.Now()
	key := accountKey{
		options: options, fs: acc.FS, home: acc.Home, rights: acc.Rights & (account.ReadOnly | options.Write), paths: acc.Paths,
		hideDotFiles: acc.HideDotFiles, maxRate: acc.MaxRatePerTransfer, limit: limit,
	}
	if key.paths.Union(key.rights)&options.Write != 0 {
		key.space = quota.SpaceIn(acc.Volume, acc.Home, acc.Quota)
	}
	if vfs.IsNil(acc.FS) || key.paths.Union(key.rights)&account.All == 0 {
		key.fs, key.home = nil, "" // there is nothing to see
	}
	isKept := key.fs == nil || reflect.ValueOf(key.fs).Comparable()
	if h := a.find(key, isKept, now); h != nil {
		switch err := a.confirmHome(h, now); {
		case err == nil:
			return h, nil
		case !errors.Is(err, errOtherHome):
			a.release(h)
			return nil, err
		}
		a.release(h)
	}
	h, err := a.open(key, options, now)
	if err != nil {
		return nil, err
	}
	if !isKept {
		h.dropped = true
		return h, nil
	}
	return a.keep(h, now), nil
}

// find returns the Handler for key, or nil.
func (a *accountHandlers) find(key accountKey, isKept bool, now time.Time) *accountHandler {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.prepareLocked()
	if !isKept {
		return nil
	}
	h := a.byKey[key]
	if h != nil {
		h.uses++
		h.used = now
	}
	return h
}

// errOtherHome means that another directory has the name of a home now.
var errOtherHome = errors.New("the home is another directory now")

// confirmHome returns an error if the home of h has been replaced or removed.
func (a *accountHandlers) confirmHome(h *accountHandler, now time.Time) error {
	tree, _ := h.key.fs.(vfs.Tree)
	_, _, ok := vfs.RootOf(tree, h.key.home)
	a.mu.Lock()
	isChecked := !ok || h.key.home == "" || now.Sub(h.checked) < checkHome
	a.mu.Unlock()
	if isChecked {
		return nil
	}
	present, err := tree.Stat(h.key.home)
	if err == nil {
		opened, openedErr := h.FS.Stat("/")
		if openedErr != nil || !os.SameFile(present, opened) {
			err = errOtherHome
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		h.checked = now
	} else {
		a.dropLocked(h)
	}
	return err
}

// open makes the Handler for key, with one use.
func (a *accountHandlers) open(key accountKey, options *Handler, now time.Time) (*accountHandler, error) {
	h := &accountHandler{Handler: options.withOptions(), key: key, uses: 1, used: now, checked: now, closeHome: func() {}}
	h.shared, h.private, h.userLimit = a.shared, true, key.limit
	h.ShowHidden = !key.hideDotFiles
	h.Write = key.paths.Union(key.rights) & options.Write &^ account.ReadOnly
	h.space = key.space
	if most := key.space.Usage().Limit.FileBytes; most > 0 && (h.MaxUpload == 0 || most < h.MaxUpload) {
		h.MaxUpload = most
	}
	if rightsfs.IsNeeded(key.rights, key.paths) {
		h.Paths = key.paths.WithRoot(key.rights)
	} else {
		h.NoListing = h.NoListing || !key.rights.Has(account.List)
	}
	h.Archives = h.Archives && !h.NoListing // an archive lists names too
	if key.maxRate > 0 && (h.MaxRate <= 0 || key.maxRate < h.MaxRate) {
		h.MaxRate = key.maxRate
	}
	h.treeTag = treeTag(key)
	h.FS = key.fs
	if key.home != "" {
		home, leave, err := vfs.Sub(vfs.Of(key.fs), key.home)
		if err != nil {
			return nil, err
		}
		h.FS, h.closeHome = home, leave
	}
	return h, nil
}

// keep adds h, unless another request has added one for the same key meanwhile. It
// returns the one to use.
func (a *accountHandlers) keep(h *accountHandler, now time.Time) *accountHandler {
	var closing []*accountHandler
	defer func() { closeAll(closing) }()
	a.mu.Lock()
	defer a.mu.Unlock()
	if other := a.byKey[h.key]; other != nil {
		closing = append(closing, h)
		other.uses++
		return other
	}
	a.byKey[h.key] = h
	var oldest *accountHandler
	for _, o := range a.byKey {
		switch {
		case o.uses > 0:
		case now.Sub(o.used) > forgetAccount:
			a.dropLocked(o)
			closing = append(closing, o)
		case oldest == nil || o.used.Before(oldest.used):
			oldest = o
		}
	}
	if len(a.byKey) > maxAccountHandlers && oldest != nil {
		a.dropLocked(oldest)
		closing = append(closing, oldest)
	}
	return h
}

// release ends a use of h.
func (a *accountHandlers) release(h *accountHandler) {
	a.mu.Lock()
	h.uses--
	h.used = time.Now()
	isLast := h.dropped && h.uses == 0
	a.mu.Unlock()
	if isLast {
		h.end()
	}
}

// dropLocked removes h from those that are kept. The caller closes it if it is not in
// use.
func (a *accountHandlers) dropLocked(h *accountHandler) {
	if a.byKey[h.key] == h {
		delete(a.byKey, h.key)
	}
	h.dropped = true
}

// close closes the Handlers that are not in use, and the others after their last use.
func (a *accountHandlers) close() {
	var closing []*accountHandler
	a.mu.Lock()
	for _, h := range a.byKey {
		a.dropLocked(h)
		if h.uses == 0 {
			closing = append(closing, h)
		}
	}
	a.mu.Unlock()
	closeAll(closing)
}

func closeAll(handlers []*accountHandler) {
	for _, h := range handlers {
		h.end()
	}
}

// end closes what h has open. It is not in use.
func (h *accountHandler) end() {
	_ = h.Close()
	h.closeHome()
}

// list returns the Handlers that are kept.
func (a *accountHandlers) list() (all []*accountHandler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.byKey {
		all = append(all, h)
	}
	return all
}

// dropIdleFiles closes cached files that nobody uses and reports whether there were any.
func (a *accountHandlers) dropIdleFiles() (dropped bool) {
	for _, h := range a.list() {
		if c := h.cache(); c != nil && c.DropIdle() {
			dropped = true
		}
	}
	return dropped
}

// treeTag returns plan.Config.TreeTag of an account: the same on each server where the tree has the same place.
func treeTag(key accountKey) string {
	dir := ""
	if root, ok := key.fs.(*vfs.Root); ok {
		dir = root.Dir()
	}
	if dir+key.home == "" {
		return ""
	}
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, dir+"\x00"+key.home)
	return strconv.FormatUint(sum.Sum64()>>24, 36)
}

// withOptions returns a new Handler with the options of h, without its files and without
// the right to change any.
func (h *Handler) withOptions() *Handler {
	return &Handler{
		CacheValid:       h.CacheValid,
		Method:           h.Method,
		StallTimeout:     h.StallTimeout,
		MaxRate:          h.MaxRate,
		RateAfter:        h.RateAfter,
		Limiter:          h.Limiter,
		UploadLimiter:    h.UploadLimiter,
		OnTransfer:       h.OnTransfer,
		ServerTiming:     h.ServerTiming,
		Index:            h.Index,
		NoListing:        h.NoListing,
		NotFoundPage:     h.NotFoundPage,
		Fallback:         h.Fallback,
		Precompressed:    h.Precompressed,
		CompressListings: h.CompressListings,
		Archives:         h.Archives,
		ContentETags:     h.ContentETags,
		Rules:            h.Rules,
		CORS:             h.CORS,
		RedirectFor:      h.RedirectFor,
		RedirectFrom:     h.RedirectFrom,
		Durability:       h.Durability,
		MaxUpload:        h.MaxUpload,
		KeepUploads:      h.KeepUploads,
		WebDAV:           h.WebDAV,
		Budget:           h.Budget,
	}
}
