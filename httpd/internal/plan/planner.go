package plan

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"sluice/httpd/internal/listing"
	"sluice/internal/budget"
	"sluice/internal/digest"
	"sluice/internal/filecache"
	"sluice/internal/partial"
	"sluice/internal/residence"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// Planner decides what to answer to requests for the files of one tree. Its
// methods are safe for use by many goroutines at once.
type Planner struct {
	Config
	Bounds

	digests    digest.Cache
	remembered archivesSeen

	logins         atomic.Bool // users may log in
	loginsToChange atomic.Bool // users may change files, see AllowLogins
}

// Config is what the owner of a Planner decides. The fields that are not described here are those of httpd.Handler.
type Config struct {
	// Files is where files come from. Nil: there are none.
	Files Files

	// Tree is what listings and archives are made of. It has the files of Files.
	Tree vfs.Tree

	// Private means that the files are for the user who has logged in, and not for the
	// guest.
	Private bool

	// TreeTag is a part of all entity tags, which keeps the files of one tree apart from those of another one that have
	// the same addresses. It has letters and digits; "": nothing.
	TreeTag string

	// Budget is shared with others. Nil: the Planner has its own.
	Budget *budget.Budget

	// DetectType guesses the media type of a file by its first 512 bytes, as
	// http.DetectContentType does. Nil: the type is not known.
	DetectType func(content []byte) string

	// CacheValid is how long a change by another process may remain unseen.
	CacheValid time.Duration

	ShowHidden       bool
	Index            []string
	NoListing        bool
	NotFoundPage     string
	Fallback         string
	Precompressed    bool
	CompressListings bool
	Archives         bool
	ContentETags     bool
	Rules            []Rule
	CORS             []string
	RedirectFor      time.Duration
	RedirectFrom     int64

	// DAV means that the caller answers the methods of WebDAV.
	DAV bool

	// Changes are the methods that change files here, for the field Allow.
	Changes []string

	// MaxUpload is the size of the largest file that may be uploaded. Zero: any.
	MaxUpload int64

	// MayStore says what the client may upload to a directory, so that its listing has a form
	// for that. Nil: nothing.
	MayStore func(dir string) Uploads
}

// Uploads says what a client may upload to a directory.
type Uploads = listing.Uploads

// Files looks up files by name: a *filecache.Cache does. The methods are described
// there.
type Files interface {
	Hit(path string, now time.Time) *filecache.File
	Get(path string) (*filecache.File, error)
	GetToRead(path string) (*filecache.File, error)
	Load(path string) (*filecache.File, error)
	Renew(path string, f *filecache.File) (*filecache.File, error)
	Cached(path string, now time.Time) (*filecache.File, error)
}

// Bounds limit what one response takes, apart from the Budget. They are fields so that
// tests can lower them.
type Bounds struct {
	MaxArchived int // files and directories in an archive
	MaxSorted   int // entries of a directory that is sorted and has an entity tag
}

// New returns a Planner. Rules that ParseRule would refuse have no effect.
func New(c Config) *Planner {
	rules := c.Rules
	c.Rules = nil
	for _, r := range rules {
		if r, err := r.checked(); err == nil {
			c.Rules = append(c.Rules, r)
		}
	}
	if c.Budget == nil {
		c.Budget = budget.New()
	}
	p := &Planner{Config: c, Bounds: Bounds{MaxArchived: 200_000, MaxSorted: 10_000}}
	p.digests.Turns = c.Budget.Checksums
	p.logins.Store(c.Private)
	return p
}

// Lookup is what is known about the path of a request without asking the disk.
// The zero value means that nobody has looked.
type Lookup struct {
	file *filecache.File // nil: not in the cache, or err says that there is none
	err  error
	done bool
}

// Lookup looks for a file in the cache. It does so only for a request whose
// response depends on nothing but the path and the file, if it is 200. It asks the
// disk at most whether the file has changed, allocates nothing, and keeps no part of
// the request. The caller passes the result to Plan, or releases it.
func (p *Planner) Lookup(r *Request, now time.Time) Lookup {
	if p.Files == nil || !p.isPlain(r) {
		return Lookup{}
	}
	return Lookup{file: p.Files.Hit(r.Path, now), done: true}
}

// LookupCached is Lookup for a caller that must not wait for a disk. It also finds out
// that there is no such file. If it is not ok, the caller leaves the request to one that
// may wait, and that begins anew.
func (p *Planner) LookupCached(r *Request, now time.Time) (l Lookup, ok bool) {
	if p.Files == nil || !p.isPlain(r) {
		return Lookup{}, true
	}
	f, err := p.Files.Cached(r.Path, now)
	if err == filecache.ErrWouldWait { //nolint:errorlint // it is not wrapped
		return Lookup{}, false
	}
	return Lookup{file: f, err: err, done: true}, true
}

// isPlain reports whether the response, if it is 200 with a file, depends on
// nothing but the path and the file, so that its header may be kept with the
// file.
func (p *Planner) isPlain(r *Request) bool {
	return r.Query == "" && (r.Method == "GET" || r.isHead()) && !r.isConditional() && r.WantReprDigest == "" &&
		(r.AcceptEncoding == "" || !p.Precompressed) &&
		(r.Origin == "" || len(p.CORS) == 0) &&
		!strings.HasSuffix(r.Path, "/") && !strings.Contains(r.Path, "/.")
}

// KeptHead returns the beginning of the head of the response, if an earlier
// response has left it by Plan.KeepHead, and the body. If head is nil, a Plan is
// needed: also for a file of another machine or process, of which something is read
// before the head is sent.
func (l Lookup) KeptHead() (head *string, body Piece) {
	if l.file == nil || isElsewhere(l.file) {
		return nil, Piece{}
	}
	known, ok := l.file.Extra.Load().(*facts)
	if !ok {
		return nil, Piece{}
	}
	return known.head.Load(), filePiece(l.file)
}

// isElsewhere reports whether reading the file asks another machine or process.
func isElsewhere(f *filecache.File) bool { return f.Residence == residence.Remote && f.Body == nil }

// Release gives back the file.
func (l Lookup) Release() {
	if l.file != nil {
		l.file.Release()
	}
}

// IsRemoteDir reports whether a path asks for a directory of another machine, where each look at a name is a request.
func (p *Planner) IsRemoteDir(path string) bool {
	return strings.HasSuffix(path, "/") && vfs.IsRemote(p.Tree, path)
}

// hides reports whether the path has an element that begins with a dot and so is
// not served. With ShowHidden only unfinished uploads are hidden.
func (p *Planner) hides(urlPath string) bool {
	return strings.Contains(urlPath, "/.") && (partial.IsIn(urlPath) || !p.ShowHidden && vfs.IsHidden(urlPath))
}

// get returns the file of a request. The caller releases it.
func (p *Planner) get(name string, l Lookup) (*filecache.File, error) {
	switch {
	case p.Files == nil:
		return nil, fs.ErrNotExist
	case l.file != nil || l.err != nil:
		return l.file, l.err
	case l.done:
		return p.Files.Load(name)
	}
	return p.Files.Get(name)
}

// DiskOf returns what admits calls for an open file of the tree, which may hang.
func (p *Planner) DiskOf(f io.ReaderAt) sendfile.Admission { return vfs.MountOfFile(p.Tree, f) }

// statusOf translates the error of opening a file.
func statusOf(err error) int {
	if failure := vfs.StoreFailure(err); failure != nil {
		status, _ := OfStore(failure)
		return status
	}
	switch {
	case errors.Is(err, fs.ErrPermission): // also for a name that leads out of the tree, and for special files
		return statusForbidden
	case errors.Is(err, fs.ErrInvalid):
		return statusBadRequest
	case errors.Is(err, vfs.ErrUnsized):
		return statusNotImplemented
	case vfs.IsExhausted(err), errors.Is(err, vfs.ErrNotResponding), vfs.IsUnavailable(err), budget.IsRefusal(err):
		return statusServiceUnavailable
	case errors.Is(err, fs.ErrNotExist), vfs.IsInvalidPath(err):
		return statusNotFound
	}
	return statusInternalServerError
}

// reasonOf returns what an error of opening a file says, without names.
func reasonOf(err error) string {
	for {
		pathErr, ok := errors.AsType[*fs.PathError](err)
		if !ok {
			return err.Error()
		}
		err = pathErr.Err
	}
}

// isPage reports whether the request is for a page rather than for something
// that a page needs.
func isPage(r *Request) bool {
	return names(r.Accept, "text/html") || path.Ext(r.Path) == ""
}
