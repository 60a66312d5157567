package httpd

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"sluice/internal/filecache"
	"sluice/internal/partial"
	"sluice/internal/vfs"
)

// respond decides what to answer to a GET or HEAD. It may open files and ask
// the disk, but reads no content unless that decides the answer; ctx ends
// that, and nothing else. The caller sends the reply and then releases it.
func (h *Handler) respond(ctx context.Context, a *ask) reply {
	rep := h.find(ctx, a)
	h.finish(a, &rep)
	return rep
}

// plain reports whether the answer, if it is 200 with a file, depends on
// nothing but the path and the file, so that its header may be kept with the
// file.
func (h *Handler) plain(a *ask) bool {
	return a.query == "" && !a.conditional() && a.wantReprDigest == "" &&
		(a.acceptEncoding == "" || !h.Precompressed) &&
		(a.origin == "" || len(h.CORS) == 0) &&
		!strings.HasSuffix(a.path, "/") && !strings.Contains(a.path, "/.")
}

// find finds what the path stands for.
func (h *Handler) find(ctx context.Context, a *ask) reply {
	if h.hides(a.path) {
		return h.missing(ctx, a)
	}
	f, err := h.get(a.path)
	if err != nil {
		return h.refuse(ctx, a, err)
	}
	wantsDir := strings.HasSuffix(a.path, "/")
	switch {
	case !f.Info.IsDir() && wantsDir:
		f.Release()
		return h.missing(ctx, a)
	case !f.Info.IsDir():
		return h.serveFile(ctx, a, a.path, f)
	}
	f.Release()
	if !wantsDir || a.isSlashEncoded() {
		return redirectToSlash(a)
	}
	return h.serveDir(ctx, a)
}

// refuse answers with an error that stood in the way to a file.
func (h *Handler) refuse(ctx context.Context, a *ask, err error) reply {
	if status := statusOf(err); status != http.StatusNotFound {
		return failure(a, status)
	}
	return h.missing(ctx, a)
}

// missing answers for what is not there.
func (h *Handler) missing(ctx context.Context, a *ask) reply {
	if h.Fallback != "" && isPage(a) {
		if f, err := h.regular(h.Fallback); err == nil {
			rep := h.serveFile(ctx, a, h.Fallback, f)
			rep.header.vary("Accept")
			return rep
		}
	}
	rep := failure(a, http.StatusNotFound)
	if h.NotFoundPage != "" {
		if f, err := h.regular(h.NotFoundPage); err == nil {
			rep.header.set("Content-Type", factsOf(h.NotFoundPage, f).mediaType)
			rep.body, rep.done = bodyOf(f), f.Release
		}
	}
	return rep
}

// isPage reports whether the request is for a page rather than for something
// that a page needs.
func isPage(a *ask) bool {
	for mediaType, weight := range weights(a.accept) {
		if mediaType == "text/html" && weight > 0 {
			return true
		}
	}
	return path.Ext(a.path) == ""
}

// hides reports whether an element of the path begins with a dot and so is
// not served. With ShowHidden that is so for uploads that are not whole alone.
func (h *Handler) hides(urlPath string) bool {
	return strings.Contains(urlPath, "/.") && (partial.IsIn(urlPath) || !h.ShowHidden && vfs.IsHidden(urlPath))
}

// regular returns a file that must be one. The caller releases it.
func (h *Handler) regular(name string) (*filecache.File, error) {
	f, err := h.get(name)
	if err == nil && f.Info.IsDir() {
		f.Release()
		return nil, fs.ErrNotExist
	}
	return f, err
}

// statusOf translates why a file could not be opened.
func statusOf(err error) int {
	switch {
	case errors.Is(err, fs.ErrPermission): // also out of the tree, or no file one can send
		return http.StatusForbidden
	case errors.Is(err, fs.ErrInvalid):
		return http.StatusBadRequest
	case vfs.IsExhausted(err), errors.Is(err, vfs.ErrHangs):
		return http.StatusServiceUnavailable
	case errors.Is(err, fs.ErrNotExist), vfs.IsNoPath(err):
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

// redirectToSlash sends the client to the form of a directory's name from
// which the links of a page resolve. The target is relative and has the last
// element alone, of the path that the client knows, so that no name can lead to
// another host; its ./ keeps a name with a colon from being taken for a scheme. An
// encoded slash is a part of that element.
func redirectToSlash(a *ask) reply {
	rep := failure(a, http.StatusMovedPermanently)
	known := shown(a.uri)
	if known == "" || strings.HasSuffix(known, "/") {
		known = (&url.URL{Path: a.path}).EscapedPath()
	}
	target := known[strings.LastIndexByte(known, '/')+1:]
	target, _ = url.PathUnescape(target) // which url has encoded, or has found to be
	if target != "." && target != ".." {
		target = "./" + url.PathEscape(target)
	}
	target += "/"
	if a.query != "" {
		target += "?" + a.query
	}
	rep.header.add("Location", target)
	return rep
}
