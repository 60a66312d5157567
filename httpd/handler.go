package httpd

import (
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/digest"
	"sluice/internal/filecache"
	"sluice/internal/live"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// Handler answers requests for one tree. Set the fields before the first.
type Handler struct {
	// Tree is what is served. The caller closes it, after the last request.
	Tree *vfs.Root

	// Cache is what keeps files of Tree open between requests. Nil means one of
	// the Handler's own; its files are closed within ten seconds of their last
	// use.
	Cache *filecache.Cache

	// Method forces the method of the bodies of files, Auto or Copy.
	Method sendfile.Method

	// StallTimeout is the longest wait in which a client takes nothing of its
	// response. Zero means a minute; negative means for ever.
	StallTimeout time.Duration

	// MinRate is how many bytes per second a client must take, on average over
	// StallTimeout or a minute, not to be cut. Only the time counts in which
	// there is something to take; a Server heeds it, a Handler under another
	// http.Server cannot. Zero means no such limit.
	MinRate int64

	// MaxRate is how many bytes per second a response may take, after its first
	// RateAfter bytes. Zero means any number.
	MaxRate, RateAfter int64

	// Limit, if not nil, is asked before anything of a body is sent: what all
	// responses together may take. It may be shared with other servers.
	Limit Limiter

	// OnRequest, if not nil, is called once when a request has been answered,
	// on its goroutine. Of those that a Server refuses because they are malformed
	// or too long, it tells the status, and the rest only if it is the first that
	// was not plain on a connection; what is not known is "".
	OnRequest func(Request)

	// TellAgent fills in Request.Referer and UserAgent, for logs that have
	// them.
	TellAgent bool

	// ServerTiming adds the field Server-Timing to responses: the time from
	// the request to the head of the response, and whether the file was in the
	// cache. It tells strangers what was asked for lately.
	ServerTiming bool

	// ShowHidden serves and lists names that begin with a dot.
	ShowHidden bool

	// Index names the files that stand for their directory, the first that is
	// there. Nil means index.html; empty and not nil means none.
	Index []string

	// NoListing answers 404 for a directory without an index file.
	NoListing bool

	// NotFoundPage is the path in the tree of the file that is the body of a
	// 404; "" is a small page of ours.
	NotFoundPage string

	// Fallback is the path in the tree of the file that is answered, with 200,
	// for pages that are not there, as applications want that take apart the
	// path in the browser; "" is none. A page is what has no extension, or is
	// asked for by a client that names text/html in Accept: a script that is
	// missing stays missing.
	Fallback string

	// Precompressed sends, to clients that take them, the compressed forms of a
	// file that lie beside it under its name with .zst, .br or .gz added. One
	// that is older than the file is not sent, and for types that are
	// compressed already, such as images, none is looked for.
	Precompressed bool

	// CompressListings compresses listings for clients that take it.
	CompressListings bool

	// Archives answers a directory with ?zip or ?tar as an archive of what is
	// beneath it, without hidden names and without links to directories.
	Archives bool

	// ContentETags makes the entity tags of files of up to 64 MiB from their
	// content, so that they hold on another server, after a restore, or when a
	// build gives all files one date. A file is read for it when it is asked
	// for the first time after a change.
	ContentETags bool

	// Rules add lines to the header of responses.
	Rules []Rule

	// CORS holds the origins whose pages may read what is served, such as
	// "https://example.com"; "*" is every origin.
	CORS []string

	once     sync.Once // guards the making of the fields below
	files    *filecache.Cache
	walks    chan struct{} // one element for each archive that is being laid out
	archived atomic.Int64  // entries of the archives that are being sent
	reads    chan struct{} // one element for each directory that is being read for a listing
	listed   atomic.Int64  // entries of the listings that are being sent
	digests  digest.Cache
}

func (h *Handler) prepare() {
	h.files = h.Cache
	if h.files == nil {
		h.files = &filecache.Cache{Tree: h.Tree}
	}
	h.walks = make(chan struct{}, runtime.GOMAXPROCS(0))
	h.reads = make(chan struct{}, max(2*runtime.GOMAXPROCS(0), 8)) // some wait for a disk
}

// cache returns the cache that the Handler uses.
func (h *Handler) cache() *filecache.Cache {
	h.once.Do(h.prepare)
	return h.files
}

const defaultStallTimeout = time.Minute

func (h *Handler) stallTimeout() time.Duration {
	switch {
	case h.StallTimeout < 0:
		return 0
	case h.StallTimeout == 0:
		return defaultStallTimeout
	}
	return h.StallTimeout
}

// pace is that of a connection.
func (h *Handler) pace() pace {
	window := h.stallTimeout()
	if window == 0 {
		window = defaultStallTimeout
	}
	return newPace(h.MinRate, window)
}

// Request is what became of a request.
type Request struct {
	Remote string // address of the client
	Op     string // the method of HTTP, such as GET
	Target string // the request target as the client sent it
	Proto  string // "HTTP/1.1"
	Status int
	// Result is that of the body. Its Method is that of the files in it, and
	// Auto if there are none.
	sendfile.Result
	Duration time.Duration
	Err      error // why the body was cut; nil: it was not

	// Of responses of more than 64 KiB by a Server, as far as the system tells:
	// what held the body back ("application", "receiver", "send buffer", "path"
	// or "rate limit"; "": not told), the last round trip time (0: not told),
	// and the segments that were sent again (negative: not told).
	Cause       string
	RTT         time.Duration
	Retransmits int64

	Referer, UserAgent string // as the client sent them, if Handler.TellAgent
}

// addRecord adds what is known of a response that was a transfer.
func (r *Request) addRecord(rec *live.Record) {
	r.RTT, r.Retransmits = rec.RTT, rec.Retransmits
	if rec.Cause != live.Unknown {
		r.Cause = rec.Cause.String()
	}
}

// ServeHTTP implements http.Handler. A body that cannot be completed ends with
// the connection, so that no client takes a part for the whole.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	session := sessionOf(r.Context())
	if session != nil {
		session.SetCommand(r.Method + " " + r.RequestURI)
		defer session.SetCommand("")
	}
	a := askOf(r)
	rep := h.respondTo(r.Context(), r.Method, &a)
	defer rep.release()
	if h.ServerTiming {
		w.Header().Set("Server-Timing", string(appendTiming(nil, cacheNone, time.Since(begin))))
	}
	t := beginOf(session, r, &rep)
	limits := h.limitOf(r, &rep, t)
	res, err := h.send(w, r, &rep, t, limits)
	limits.close(res.Sent)
	rec := account(session, t, begin, res, err)
	if h.OnRequest != nil {
		told := Request{
			Remote: r.RemoteAddr, Op: r.Method, Target: r.RequestURI, Proto: r.Proto,
			Status: rep.status, Result: res, Duration: time.Since(begin), Err: err,
		}
		if h.TellAgent {
			told.Referer, told.UserAgent = r.Referer(), r.UserAgent()
		}
		told.addRecord(&rec)
		h.OnRequest(told)
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}
