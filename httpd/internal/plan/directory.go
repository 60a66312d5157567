package plan

import (
	"context"
	"io"
	"io/fs"
	"slices"
	"time"

	"sluice/httpd/internal/listing"
	"sluice/internal/budget"
)

// sendListing answers with the entries of a directory: as JSON, as a page for
// people, or, to a client that does not name HTML as browsers do, as a plain page
// for programs. It is streamed: the first lines are sent before the last are made.
func (pl *Plan) sendListing(ctx context.Context) Response {
	p, r := pl.planner, &pl.request
	l, err := p.list(ctx, r)
	switch {
	case ctx.Err() != nil:
		return failure(r, statusServiceUnavailable)
	case err != nil:
		return pl.makeFailure(ctx, err)
	}
	room, err := p.takeListed(r.party(), l.Len())
	if err != nil {
		return pl.makeFailure(ctx, err)
	}
	res := resource{negotiated: "Accept"}
	write, format, mediaType := l.WritePlain, "plain", "text/html; charset=utf-8"
	switch {
	case preferred(r.Accept, "text/html", "application/json") == "application/json":
		write, format, mediaType = l.WriteJSON, "JSON", "application/json"
	case names(r.Accept, "text/html"):
		write, format = l.WriteHTML, "HTML"
	}
	res.fields.add("Content-Type", mediaType)
	if format != "JSON" {
		res.fields.add("Content-Security-Policy", pagePolicy)
	}
	res.fields.add("X-Content-Type-Options", "nosniff")
	res.fields.add("Cache-Control", "no-cache") // revalidate each time, with the entity tag
	res.etag = l.ETag(format)
	content := func(_ context.Context, w io.Writer) error { return write(w) }
	if p.CompressListings {
		content = res.compress(r, p.Budget.Compression, content)
	}
	res.body = streamBody(content)
	resp := respond(r, &res, time.Now())
	resp.release = room.Release
	return resp
}

// takeListed takes room for the entries of a listing. A single listing may be of any size.
func (p *Planner) takeListed(party budget.Party, entries int) (*budget.Hold, error) {
	listed := p.Budget.Listed
	return listed.TryTake(party, min(int64(entries), listed.Largest()))
}

// pagePolicy is the Content-Security-Policy of pages with names of files.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"

// list reads the directory of a request.
func (p *Planner) list(ctx context.Context, r *Request) (*listing.Listing, error) {
	turn, err := p.Budget.Listings.Take(ctx, r.party(), 1, 0) // the entries take memory before they can be counted
	if err != nil {
		return nil, err
	}
	defer turn.Release()
	entries, err := p.Tree.ReadDir(r.Path)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e fs.FileInfo) bool { return p.hides("/" + e.Name()) })
	uploads := p.uploadsTo(r.Path)
	var words []string
	if p.Archives && !uploads.Unseen {
		for _, kind := range archives {
			words = append(words, kind.word)
		}
	}
	l := listing.New(r.Path, r.Query, entries, words)
	l.Login = listing.Login{User: r.User, CanLogIn: !p.Private && p.logins.Load(), CanLogOut: r.BySession}
	l.Uploads = uploads
	return l, nil
}

// uploadsTo returns what the client may upload to a directory.
func (p *Planner) uploadsTo(dir string) Uploads {
	if p.MayStore == nil {
		return Uploads{}
	}
	return p.MayStore(dir)
}
