package httpd

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/account"
	"sluice/internal/budget"
	"sluice/internal/filecache"
	"sluice/internal/live"
	"sluice/internal/quota"
	"sluice/internal/rate"
	"sluice/internal/rightsfs"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// Handler is an http.Handler that answers with the files of one file system. Set
// the fields before the first request. The zero value answers 404 to everything.
//
// It works in any http.Server, behind http.StripPrefix and behind middleware, and
// sends files by sendfile(2) wherever the connection and the ResponseWriter allow
// it. In a [Server] it does a little more: see there.
type Handler struct {
	// FS has the files that are served. If it is nil, every request is answered 404.
	// Use [Dir] for a directory that no name and no link leads out of, and
	// afero.FromIOFS for an io/fs.FS. Only names that the FS lists or opens as regular
	// files and directories are served. If the FS must be closed, the caller closes it
	// after Close.
	FS afero.Fs

	// CacheValid is how long a change by another process may remain unseen: that a
	// name means another file, that a name of a [Root] has come to exist, or, for responses
	// without a body, that an archive is another. Changes by an FTP
	// server in this process, and by the methods of a Root, are seen by the next
	// request in any case; bytes that are written to an open file in another way are
	// not. Zero means a second, but no time on Windows, where nobody can replace or
	// remove an open file. A negative value means no time. Files that are not those of
	// the operating system (afero.MemMapFs) are never kept.
	CacheValid time.Duration

	// Method is how the bodies of files are sent: sendfile.Copy always copies
	// them; every other value means the best method available.
	Method sendfile.Method

	// StallTimeout is the longest wait in which a client takes nothing of its
	// response. Zero means five minutes; negative means for ever. On the connections of a
	// [Server] that of the Server holds instead, and if an http.Server has a
	// WriteTimeout, only that holds. It replaces a deadline for writing that
	// middleware has set; negative leaves that. A ResponseWriter of middleware must
	// have Unwrap, as http.ResponseController requires.
	StallTimeout time.Duration

	// MaxRate is the most bytes per second of one response, or of one upload. Its first
	// RateAfter bytes are not limited. Zero means no limit.
	MaxRate, RateAfter int64

	// Limiter, if not nil, is a limit that all responses share, and UploadLimiter one
	// that all uploads share. It is asked before a part of a body is sent or received.
	// It may be shared with other servers.
	Limiter, UploadLimiter Limiter

	// OnTransfer, if not nil, is called once for each request when it has been
	// answered, and once more for each file of a form: by the goroutine of the request,
	// which waits for the call to return, or as Server.OnTransfer says for event loops. If
	// it is nil, that of the [Server] is called, if the request came through one. If it
	// panics, the connection is cut.
	OnTransfer func(Transfer)

	// ServerTiming adds the field Server-Timing to responses: the time from
	// the request to the head of the response, and whether the file was in the
	// cache. It shows to everybody whether somebody has requested the file lately.
	ServerTiming bool

	// ShowHidden serves and lists names that begin with a dot, but never an
	// unfinished upload by FTP.
	ShowHidden bool

	// Index names the files that are served for their directory; the first that
	// exists is. Nil means index.html; empty and not nil means none.
	Index []string

	// NoListing answers 404 for a directory without an index file.
	NoListing bool

	// NotFoundPage is the path in FS of the file that is the body of a 404; ""
	// means a small default page.
	NotFoundPage string

	// Fallback is the path in FS of the file that is answered, with 200, for pages
	// that do not exist; "" is none. It is for applications that interpret the path in
	// the browser. A request is for a page if its path has no extension, or if it has
	// text/html in Accept: for a script that is missing the answer is 404.
	Fallback string

	// Precompressed sends, to clients that accept them, the compressed forms of a
	// file that lie next to it and have its name with .zst, .br or .gz added. A
	// form that is older than the file is not sent. For types that are
	// compressed already, such as images, the Handler does not look for any.
	Precompressed bool

	// CompressListings compresses listings for clients that accept it.
	CompressListings bool

	// Archives answers a directory with ?zip or ?tar as an archive of the files below
	// it, without hidden names and without links to directories. Unreadable files are
	// left out, and named in a file UNREADABLE-FILES.txt at the end. A file that
	// changes or becomes unreadable while the archive is sent ends the response. Of a
	// file system that is not a [Root], each file is opened twice.
	Archives bool

	// ContentETags makes the entity tags of files of up to 64 MiB from their
	// content, so that they are the same on another server, after a restore, or when a
	// build gives all files one date. A file is read for that at the first request
	// after a change. A response that would wait for other clients for more than half a
	// second has the tag that there is without ContentETags, unless it depends on If-Match.
	ContentETags bool

	// Rules add lines to the header of responses.
	Rules []Rule

	// CORS holds the origins whose pages may read the responses, such as
	// "https://example.com"; "*" is every origin. Pages of an origin that is named may also
	// do what Write allows, see "Changing files" in the documentation of the package.
	CORS []string

	// RedirectFor, if positive, is how long a URL holds by which a client gets a file from the object store of FS, instead
	// of from this process: GET and HEAD are answered 307 then. RedirectFrom is the size of the smallest file for which
	// that is done. FS needs a method Presign as s3fs.FS has. See "Redirects" in the documentation of the package.
	RedirectFor  time.Duration
	RedirectFrom int64

	// Write are the rights to change files: Create, Change and Delete, for PUT, forms,
	// resumable uploads and DELETE, and Rename with WebDAV. Zero means none: the files can only be read. See "Changing files" in the
	// documentation of the package.
	//
	// WARNING: the Handler asks for no password. Every client that can send it a request has these
	// rights, so set Write only in a Handler that is behind middleware that decides who
	// is let in, and in front of an FS that may be written to, such as [Root.Writable].
	// Use TLS where passwords are sent.
	Write Rights

	// Paths, if not nil, are the rights at paths of FS, to list and to read too. Names in
	// none of them can be listed and read, and changed as Write says, which also bounds
	// the rights to change files at the paths. A name that may be neither listed nor
	// read does not exist for the client. See "Rights by path" in the documentation of the package.
	Paths *Paths

	// Volume counts the files that those with the rights of Write change, and keeps a
	// reserve of the disk; nil: nothing does. FS must be the directory VolumeDir of the
	// file system of Volume; "" is all of it. Quota is the most that may be below it.
	Volume    *Volume
	VolumeDir string
	Quota     Quota

	// User is the name of those who have the rights of Write, in the records of changes.
	// The bytes of an upload by PUT that breaks off are kept for the user of that name,
	// who can resume it by FTP; "" keeps nothing. Call [Sweep] to remove what is kept.
	User string

	// Durability says which changes are on the disk before they are acknowledged. Zero
	// is DurabilityFull: what was answered 201 or 204 to PUT survives a power cut.
	Durability Durability

	// WebDAV answers the methods of WebDAV (RFC 4918, classes 1 and 2), as far as NoListing and
	// the rights of Write allow it, so that the files can be mounted; and DELETE removes
	// a directory with all that is in it. See "WebDAV" in the documentation of the package.
	WebDAV bool

	// MaxUpload is the size of the largest file that a client may upload, in bytes. Zero
	// means no limit.
	MaxUpload int64

	// KeepUploads is how long an upload of several requests that makes no progress is kept,
	// for its client to go on. Zero means three days; it is at least an hour. Nothing is
	// removed before [Sweep] is called.
	KeepUploads time.Duration

	// Budget is what all clients share: turns to compute checksums, to read directories, to
	// lay out and compress archives, and the memory for that and for streams of HTTP/2. Handlers and servers of
	// several protocols can share one, so that no client takes it from the others. If it is
	// nil, the Handler has its own, which those of accounts share.
	Budget *Budget

	shared    *sharedBounds // of a Server with logins; nil: the Handler has its own
	private   bool          // it is for an account
	treeTag   string        // as in plan.Config
	userLimit *rate.UserLimit
	space     *quota.Space // what may be written; nil: no bound

	once         sync.Once        // for the fields below
	files        *filecache.Cache // nil: there are none
	tree         vfs.Tree         // FS, to be changed; nil: there is none
	view         *rightsfs.Tree   // what Paths let a client see of tree; nil: all
	core         h1conn.Handler   // what both paths use
	uploadLimits netconn.LimitConfig
}

func (h *Handler) prepare() {
	c := plan.Config{
		DetectType:       http.DetectContentType,
		CacheValid:       h.CacheValid,
		ShowHidden:       h.ShowHidden,
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
		DAV:              h.WebDAV,
		Changes:          h.changes(),
		MaxUpload:        h.MaxUpload,
		MayStore:         h.mayStore,
	}
	limits := netconn.LimitConfig{Rate: h.MaxRate, After: h.RateAfter, Limiter: h.Limiter}
	h.uploadLimits = netconn.LimitConfig{Rate: h.MaxRate, After: h.RateAfter, Limiter: h.UploadLimiter}
	var kept *filecache.Budget
	if h.shared != nil {
		c.Budget, kept = h.shared.budget, &h.shared.files
	}
	if h.Budget != nil {
		c.Budget = budget.Of(h.Budget)
	}
	c.Private, c.TreeTag = h.private, h.treeTag
	if h.space == nil {
		h.space = quota.SpaceIn(h.Volume, h.VolumeDir, h.Quota)
	}
	if user := h.userLimit; user != nil {
		limits.User, h.uploadLimits.User = &user.Down, &user.Up
	}
	if !vfs.IsNil(h.FS) {
		h.tree = vfs.Of(h.FS)
		h.files = &filecache.Cache{Tree: h.tree, Valid: h.CacheValid, Budget: kept}
		if h.Paths != nil {
			h.view = rightsfs.New(h.tree, account.ReadOnly|h.Write, h.Paths)
			h.files.Tree = h.view
		}
		c.Files, c.Tree = h.files, h.files.Tree
	}
	h.core = h1conn.Handler{
		Planner:      plan.New(c),
		Limits:       limits,
		Method:       h.method(),
		ServerTiming: h.ServerTiming,
		OnTransfer:   h.OnTransfer,
	}
}

// cache returns the cache that keeps files open between requests; nil if there
// are no files.
func (h *Handler) cache() *filecache.Cache {
	h.once.Do(h.prepare)
	return h.files
}

// prepared returns core, which it makes at the first call.
func (h *Handler) prepared() *h1conn.Handler {
	h.once.Do(h.prepare)
	return &h.core
}

const defaultStallTimeout = 5 * time.Minute

// method resolves the field Method.
func (h *Handler) method() sendfile.Method {
	if h.Method == sendfile.Copy {
		return sendfile.Copy
	}
	return sendfile.Auto
}

func (h *Handler) stallTimeout() time.Duration { return timeout(h.StallTimeout, defaultStallTimeout) }

// ServeHTTP implements http.Handler. If a body cannot be completed, it ends the
// connection, or the stream of HTTP/2, so that no client takes a part for the whole.
// It does so by a panic with http.ErrAbortHandler, and where middleware recovers from
// that, by a deadline, for which the ResponseWriter of the middleware must have Unwrap.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.serveFor(w, r, requester{begin: time.Now()})
}

// serveFor is ServeHTTP for a client of which something is known.
func (h *Handler) serveFor(w http.ResponseWriter, r *http.Request, by requester) {
	if err := h.serve(w, r, by); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// requester is the client of a request.
type requester struct {
	begin   time.Time     // when the request was received
	user    string        // who has logged in; "": nobody
	refusal *plan.Refusal // the response; nil: what the files say

	bySession bool // the user has logged in by the login page
}

// serve answers a request of net/http and reports that. An error means that the body
// was cut, and cannot be completed.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, by requester) (err error) {
	begin := by.begin
	server, c := connOf(r.Context())
	var session *live.Session
	if c != nil {
		session = c.Conn().Session()
		session.SetCommand(r.Method + " " + r.RequestURI)
		defer session.SetCommand("")
	}
	if server != nil && server.files.Load() == nil && r.ContentLength != 0 { // otherwise http.Server.ReadTimeout is set
		_ = http.NewResponseController(w).SetReadDeadline(begin.Add(requestTimeout))
	}
	request := requestOf(r)
	request.User, request.BySession = by.user, by.bySession
	request.Waits = new(budget.Tally)
	request.Client = account.NetworkOf(clientOf(server, c, r).Addr())
	if by.refusal == nil {
		by.refusal = h.checkOrigin(r)
	}
	core := h.prepared()
	if by.refusal == nil && h.mayChange(r) {
		return h.serveChange(w, r, by, &request, server, c)
	}
	ctx, done := wanted(r, server, c)
	defer done()
	resp := h.respond(ctx, r, &request, by.refusal)
	defer resp.Release()
	if core.ServerTiming {
		w.Header().Set("Server-Timing", string(plan.AppendTiming(nil, false, time.Since(begin))))
	}
	size := resp.Body.Size()
	t := beginTransfer(c, r, size)
	base := context.Background() // another server can end a wait for limits only by cutting the connection
	if server != nil {
		base = server.base
	}
	limits := core.Limits.Begin(base, size, t)
	s := sender{h: h, rw: w, client: request.Client, transfer: t, limits: limits}
	err = netconn.ErrPanic
	defer func() { // also if the ResponseWriter or a Limiter panics
		limits.Close(s.res.Sent)
		rec := netconn.EndTransfer(session, t, begin, s.res, err)
		if err != nil {
			if t, ok := errors.AsType[*sendfile.Error](err); ok && t.Side == sendfile.File {
				resp.Fail()
			}
			cutOff(c, w, r)
		}
		rec.User, rec.Reason = by.user, resp.Reason
		live.HeldBack(&rec, request.Waits)
		h.report(&rec, server, c, session, r, begin, resp.Status)
	}()
	err = s.send(ctx, r, &resp)
	return err
}

// wanted returns a context that ends when the client of r no longer wants the response. net/http ends that of the request
// also when a client ends only its side after it, as "nc -N" does. The caller calls done.
func wanted(r *http.Request, server *Server, c *netconn.HTTPConn) (ctx context.Context, done func()) {
	if c == nil || r.ProtoMajor != 1 {
		return r.Context(), func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	stopLeft := context.AfterFunc(r.Context(), func() {
		if c.HasEnded() {
			cancelIfNothingIsSent(ctx, cancel, c, cmp.Or(server.maxUnsure, maxUnsure))
		} else {
			cancel()
		}
	})
	stopServer := context.AfterFunc(server.base, cancel)
	return ctx, func() { stopLeft(); stopServer(); cancel() }
}

// maxUnsure is how long a response is made for a client that has ended its side, while nothing is sent. Such a client may
// have left, which shows only when something is sent to it.
const maxUnsure = time.Minute

// cancelIfNothingIsSent calls cancel when nothing was sent on c for a time, unless ctx ends before. It waits for either.
func cancelIfNothingIsSent(ctx context.Context, cancel context.CancelFunc, c *netconn.HTTPConn, limit time.Duration) {
	ticks := time.NewTicker(limit)
	defer ticks.Stop()
	before, _ := c.Sends()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		now, isSending := c.Sends()
		if now == before && !isSending {
			cancel()
			return
		}
		before = now
	}
}

// respond makes the response to a request: that of refusal, if there is one. ctx is that of wanted.
func (h *Handler) respond(ctx context.Context, r *http.Request, request *plan.Request, refusal *plan.Refusal) plan.Response {
	planner := h.prepared().Planner
	if refusal != nil {
		return planner.Refuse(request, *refusal)
	}
	pl := planner.Plan(request, plan.Lookup{})
	if pl.AsksLogin {
		pl.Release()
		server, _ := connOf(r.Context())
		return planner.Refuse(request, server.asPage(r, loginRefusal(r)))
	}
	if !pl.Lengthy { // it is soon made
		ctx = context.WithoutCancel(ctx)
	}
	return pl.Respond(ctx)
}

// report completes the record of a request, and passes it to the hooks.
func (h *Handler) report(rec *Transfer, server *Server, c *netconn.HTTPConn, session *live.Session, r *http.Request, begin time.Time, status int) {
	hook := h.hook(server)
	if session.WantsRecord(hook) {
		rec.Op, rec.Target, rec.Proto, rec.Status = r.Method, r.RequestURI, r.Proto, status
		rec.Referer, rec.UserAgent = r.Referer(), r.UserAgent()
		rec.Duration = time.Since(begin)
		rec.Remote = clientOf(server, c, r)
		if c == nil && r.TLS != nil {
			rec.Protocol = live.HTTPS
		}
	}
	session.Report(rec, hook)
}

// cutOff ends a response in the middle, even if middleware recovers from the panic
// that follows: net/http would complete the response then, or let the middleware do so.
func cutOff(c *netconn.HTTPConn, w http.ResponseWriter, r *http.Request) {
	if c != nil && r.ProtoMajor == 1 {
		c.Conn().Cut()
		return
	}
	past := time.Unix(1, 0)
	_ = http.NewResponseController(w).SetWriteDeadline(past) // fails only where middleware has no Unwrap
}
