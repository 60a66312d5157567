package plan

import (
	"context"
	"io"
	"io/fs"
	"slices"
	"time"

	"sluice/httpd/internal/listing"
)

// sendListing answers with the entries of a directory, as a page or as JSON.
// It is streamed: the first lines are sent before the last are made.
func (pl *Plan) sendListing(ctx context.Context) Response {
	p, r := pl.planner, &pl.request
	l, err := p.list(ctx, r)
	switch {
	case ctx.Err() != nil:
		return failure(r, statusServiceUnavailable)
	case err != nil:
		return pl.makeFailure(ctx, err)
	}
	n := int64(l.Len())
	if all := p.listed.Add(n); all > p.MaxListedAtOnce && all > n { // a single listing may be of any size
		p.listed.Add(-n)
		return failure(r, statusServiceUnavailable)
	}
	res := resource{negotiated: "Accept"}
	write := l.WriteHTML
	if preferred(r.Accept, "text/html", "application/json") == "application/json" {
		write = l.WriteJSON
		res.fields.add("Content-Type", "application/json")
	} else {
		res.fields.add("Content-Type", "text/html; charset=utf-8")
		res.fields.add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'")
	}
	res.fields.add("X-Content-Type-Options", "nosniff")
	res.fields.add("Cache-Control", "no-cache") // revalidate each time, with the entity tag
	res.etag = l.ETag(res.fields.get("Content-Type"))
	content := func(_ context.Context, w io.Writer) error { return write(w) }
	if p.CompressListings {
		content = res.compress(r, content)
	}
	res.body = streamBody(content)
	resp := respond(r, &res, time.Now())
	resp.release = func() { p.listed.Add(-n) }
	return resp
}

// list reads the directory of a request.
func (p *Planner) list(ctx context.Context, r *Request) (*listing.Listing, error) {
	select { // the entries take memory before they can be counted
	case p.reads <- struct{}{}:
		defer func() { <-p.reads }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	entries, err := p.Tree.ReadDir(r.Path)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e fs.FileInfo) bool { return p.hides("/" + e.Name()) })
	var words []string
	if p.Archives {
		for _, kind := range archives {
			words = append(words, kind.word)
		}
	}
	return listing.New(r.Path, r.Query, entries, words), nil
}
