package httpd

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"sluice/internal/vfs"
	"sluice/sendfile"
)

// Handler answers requests for one tree. Set the fields before the first.
type Handler struct {
	// Tree is what is served. The caller closes it, after the last request.
	Tree *vfs.Tree

	// Road forces the road of the bodies of files, Auto or Copy.
	Road sendfile.Road

	// StallTimeout is the longest wait in which a client takes nothing of its
	// response. Zero means a minute; negative means for ever.
	StallTimeout time.Duration

	// OnRequest, if not nil, is called once when a request has been answered,
	// on its goroutine. What net/http refuses by itself is not told.
	OnRequest func(Request)
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

// Request is what became of a request.
type Request struct {
	Remote string // address of the client
	Method string
	Target string // the request target as the client sent it
	Proto  string // "HTTP/1.1"
	Status int
	// Result is that of the body if it was a file's. Its Road is Auto if the
	// Handler does not know: the body was no file, or not sent by our Server.
	sendfile.Result
	Duration time.Duration
	Err      error // why the body was cut; nil: it was not
}

// outcome is what an answer tells for the Request.
type outcome struct {
	status int
	res    sendfile.Result
	err    error
}

// ServeHTTP implements http.Handler. A body that cannot be completed ends with
// the connection, so that no client takes a part for the whole.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	o := h.answer(w, r)
	if h.OnRequest != nil {
		h.OnRequest(Request{
			Remote: r.RemoteAddr, Method: r.Method, Target: r.RequestURI, Proto: r.Proto,
			Status: o.status, Result: o.res, Duration: time.Since(begin), Err: o.err,
		})
	}
	if o.err != nil {
		panic(http.ErrAbortHandler)
	}
}

// allowed is the answer to those who ask what they may do.
const allowed = "GET, HEAD, OPTIONS"

func (h *Handler) answer(w http.ResponseWriter, r *http.Request) outcome {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		w.Header().Set("Allow", allowed)
		w.WriteHeader(http.StatusNoContent)
		return outcome{status: http.StatusNoContent}
	default:
		w.Header().Set("Allow", allowed)
		return fail(w, r, http.StatusMethodNotAllowed)
	}

	if isHidden(r.URL.Path) {
		return fail(w, r, http.StatusNotFound)
	}
	f, err := h.Tree.File(r.URL.Path, os.O_RDONLY, 0)
	if err != nil {
		return fail(w, r, statusOf(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fail(w, r, http.StatusInternalServerError)
	}

	wantsDir := strings.HasSuffix(r.URL.Path, "/")
	switch {
	case !info.IsDir() && wantsDir:
		return fail(w, r, http.StatusNotFound)
	case !info.IsDir():
		return h.serveFile(w, r, f, info)
	case !wantsDir:
		return redirectToSlash(w, r)
	}
	return h.serveDir(w, r)
}

// isHidden reports whether an element of the path begins with a dot.
func isHidden(urlPath string) bool {
	for _, element := range strings.Split(path.Clean("/" + urlPath)[1:], "/") {
		if strings.HasPrefix(element, ".") && element != ".well-known" {
			return true
		}
	}
	return false
}

// statusOf translates why a file could not be opened.
func statusOf(err error) int {
	switch {
	case errors.Is(err, fs.ErrPermission): // also out of the tree, or no file one can send
		return http.StatusForbidden
	case errors.Is(err, fs.ErrInvalid):
		return http.StatusBadRequest
	case isExhausted(err):
		return http.StatusServiceUnavailable
	case errors.Is(err, fs.ErrNotExist), isNoPath(err):
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

// redirectToSlash sends the client to the form of a directory's name from
// which the links of a page resolve. The target is relative, so that no name
// can lead to another host, and its ./ keeps a name with a colon from being
// taken for a scheme.
func redirectToSlash(w http.ResponseWriter, r *http.Request) outcome {
	target := "./" + url.PathEscape(path.Base(r.URL.Path)) + "/"
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", target)
	return fail(w, r, http.StatusMovedPermanently)
}

func (h *Handler) serveFile(w http.ResponseWriter, r *http.Request, f *os.File, info fs.FileInfo) outcome {
	p := planFile(r.Header, resource{
		validators:  validators{etag: etagOf(info), modified: info.ModTime()},
		size:        info.Size(),
		contentType: typeOf(info.Name()),
	}, time.Now())
	for name, values := range p.header {
		w.Header()[name] = values
	}
	if p.status == http.StatusPreconditionFailed || p.status == http.StatusRequestedRangeNotSatisfiable {
		return fail(w, r, p.status)
	}
	w.WriteHeader(p.status)
	o := outcome{status: p.status}
	if r.Method == http.MethodGet && p.body.n > 0 {
		o.res, o.err = h.sendBody(w, r, f, p.body)
	}
	return o
}

func (h *Handler) sendBody(w http.ResponseWriter, r *http.Request, f *os.File, body byteRange) (sendfile.Result, error) {
	// Before the header is out, net/http would read the beginning of the body
	// itself to look at it.
	if err := http.NewResponseController(w).Flush(); err != nil {
		return sendfile.Result{}, err
	}
	if _, ours := r.Context().Value(connKey{}).(*conn); !ours {
		return copyBody(w, f, body)
	}
	part := &filePart{
		file: f, off: body.off, n: body.n,
		opt: sendfile.Options{Timeout: h.stallTimeout(), Road: h.Road},
	}
	_, err := io.Copy(w, part)
	return part.res, err
}

// copyBody sends a body through a server that is not ours. What package net
// makes of a limited *os.File it makes here too.
func copyBody(w io.Writer, f *os.File, body byteRange) (sendfile.Result, error) {
	if _, err := f.Seek(body.off, io.SeekStart); err != nil {
		return sendfile.Result{}, err
	}
	n, err := io.CopyN(w, f, body.n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // the file has shrunk
	}
	return sendfile.Result{Sent: n}, err
}
