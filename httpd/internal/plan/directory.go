package httpd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"time"

	"sluice/httpd/internal/listing"
)

// serveDir answers with the directory's index file, or with what is made of
// the directory.
func (h *Handler) serveDir(ctx context.Context, a *ask) reply {
	if h.Archives && a.query != "" {
		query, _ := url.ParseQuery(a.query) // what can be parsed of it
		for _, kind := range archives {
			if query.Has(kind.word) {
				return h.serveArchive(ctx, a, kind)
			}
		}
	}
	for _, name := range h.index() {
		name = path.Join(a.path, name)
		f, err := h.regular(name)
		if err == nil {
			return h.serveFile(ctx, a, name, f)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return h.refuse(ctx, a, err) // there is one, and it is not to be read
		}
	}
	if h.NoListing {
		return h.missing(ctx, a)
	}
	return h.serveListing(ctx, a)
}

func (h *Handler) index() []string {
	if h.Index == nil {
		return []string{"index.html"}
	}
	return h.Index
}

// maxListedAtOnce bounds the entries of all listings that are being sent. Each
// takes a third of a kilobyte until its client has taken the last. It is a
// variable for the tests.
var maxListedAtOnce = int64(1_000_000)

// serveListing answers with the entries of a directory, as a page or as JSON.
// It is streamed: the first lines are out before the last are made.
func (h *Handler) serveListing(ctx context.Context, a *ask) reply {
	if a.handsOver {
		return reply{stream: func(context.Context, io.Writer) error { return errors.ErrUnsupported }}
	}
	l, err := h.list(ctx, a)
	switch {
	case ctx.Err() != nil:
		return failure(a, http.StatusServiceUnavailable)
	case err != nil:
		return h.refuse(ctx, a, err)
	}
	n := int64(l.Len())
	if all := h.listed.Add(n); all > maxListedAtOnce && all > n { // one alone may be as large as it is
		h.listed.Add(-n)
		return failure(a, http.StatusServiceUnavailable)
	}
	res := resource{negotiated: "Accept"}
	write := l.WriteHTML
	if prefers(a.accept, "text/html", "application/json") == "application/json" {
		write = l.WriteJSON
		res.fields.add("Content-Type", "application/json")
	} else {
		res.fields.add("Content-Type", "text/html; charset=utf-8")
		res.fields.add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'")
	}
	res.fields.add("X-Content-Type-Options", "nosniff")
	res.fields.add("Cache-Control", "no-cache") // ask again each time, with the tag
	res.etag = l.ETag(res.fields.get("Content-Type"))
	res.stream = func(_ context.Context, w io.Writer) error { return write(w) }
	if h.CompressListings {
		res.compress(a)
	}
	rep := planFile(a, &res, time.Now())
	rep.done = func() { h.listed.Add(-n) }
	return rep
}

// list reads the directory that a asks for and sorts out what of it to show.
func (h *Handler) list(ctx context.Context, a *ask) (*listing.Listing, error) {
	select { // for what is read takes memory before it can be counted
	case h.reads <- struct{}{}:
		defer func() { <-h.reads }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	entries, err := h.tree().ReadDir(a.path)
	if err != nil {
		return nil, err
	}
	var words []string
	if h.Archives {
		for _, kind := range archives {
			words = append(words, kind.word)
		}
	}
	return listing.New(a.path, a.query, h.visible(entries), words), nil
}

// visible drops the hidden entries, in place.
func (h *Handler) visible(entries []fs.FileInfo) []fs.FileInfo {
	return slices.DeleteFunc(entries, func(e fs.FileInfo) bool { return h.hides("/" + e.Name()) })
}
