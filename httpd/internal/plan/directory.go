package plan

import (
	"context"
	"io"
	"io/fs"
	"slices"
	"time"

	"sluice/httpd/internal/listing"
	"sluice/internal/budget"
	"sluice/internal/vfs"
)

// sendListing answers with the entries of a directory: as JSON, as a page for
// people, or, to a client that does not name HTML as browsers do, as a plain page
// for programs. It is streamed: the first lines are sent before the last are made.
//
// Of a directory of more than MaxSorted entries the others are read while it is sent, in the order of the
// disk, so that it takes little more memory than a small one. Such a listing has no entity tag,
// which would need all entries before the first byte.
func (pl *Plan) sendListing(ctx context.Context) Response {
	p, r := pl.planner, &pl.request
	l, release, err := p.list(ctx, r)
	switch {
	case ctx.Err() != nil:
		release()
		return overload(r, clientGone)
	case err != nil:
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
		if room, err := p.takeEncoder(r); err == nil {
			content = res.compress(r, p.Budget.Compression, content)
			releaseList := release
			release = func() { releaseList(); room.Release() }
		} else {
			res.negotiated += ", Accept-Encoding"
		}
	}
	res.body = streamBody(func(ctx context.Context, w io.Writer) error {
		if s, ok := w.(Sink); ok {
			l.BeforeRead = s.StopClock // the client is not to blame for a slow disk
		}
		return content(ctx, w)
	})
	resp := respond(r, &res, time.Now())
	resp.release = release
	return resp
}

// pagePolicy is the Content-Security-Policy of pages with names of files.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"

// Units of Budget.Listed. Its unit is an entry of a listing in memory.
const (
	freeEntries = 500   // a listing of no more entries takes none: it is smaller than the buffers of its connection
	streamUnits = 2_500 // of a directory that is read while it is sent: a few hundred entries as the file system describes them
)

// list reads the directory of a request. The caller calls release after the last use of the Listing.
func (p *Planner) list(ctx context.Context, r *Request) (l *listing.Listing, release func(), err error) {
	release = func() {}
	turn, err := p.Budget.Listings.Take(ctx, p.partyAt(r, r.Path), 1, 0) // entries take memory before they are counted
	if err != nil {
		return nil, release, err
	}
	defer turn.Release()
	dir, err := p.openDir(ctx, r, r.Path)
	if err != nil {
		return nil, release, err
	}
	defer func() {
		if dir != nil {
			dir.Close()
		}
	}()
	uploads := p.uploadsTo(r.Path)
	var words []string
	if p.Archives && !uploads.Unseen {
		for _, kind := range archives {
			words = append(words, kind.word)
		}
	}
	l = listing.Begin(r.Path, r.Query, words)
	l.Login = listing.Login{User: r.User, CanLogIn: !p.Private && p.logins.Load(), CanLogOut: r.BySession}
	l.Uploads = uploads
	for l.Len() <= p.MaxSorted || l.IsPart() {
		entries, err := dir.Next()
		switch {
		case err == io.EOF: //nolint:errorlint // the bare value, as from a Reader
			l.Sort()
			room, err := p.takeListed(r, l.Len())
			return l, room.Release, err
		case err == nil:
			err = ctx.Err()
		}
		if err != nil {
			return nil, release, err
		}
		l.Add(p.visible(entries))
	}
	room, err := p.takeListed(r, l.Len()+streamUnits)
	if err != nil {
		return nil, release, err
	}
	rest := dir
	dir = nil
	l.Stream(func() ([]fs.FileInfo, error) {
		room.Shrink(streamUnits)
		entries, err := rest.Next()
		return p.visible(entries), err
	})
	return l, func() { rest.Close(); room.Release() }, nil
}

// openDir opens a directory, whose entries are read in turns.
func (p *Planner) openDir(ctx context.Context, r *Request, name string) (*vfs.Dir, error) {
	dir, err := vfs.OpenDir(p.Tree, name, vfs.Openable)
	if err == nil {
		party := r.party() // the request may not be kept
		dir.Turn = func() func() { return p.Budget.Directories.Turn(ctx, party) }
	}
	return dir, err
}

// visible removes hidden entries from those of a directory.
func (p *Planner) visible(entries []fs.FileInfo) []fs.FileInfo {
	return slices.DeleteFunc(entries, func(e fs.FileInfo) bool { return e.Name()[0] == '.' && p.hides("/"+e.Name()) })
}

// takeListed takes room for the entries of a listing. A single listing may be of any size.
func (p *Planner) takeListed(r *Request, entries int) (*budget.Hold, error) {
	if entries <= freeEntries {
		return nil, nil
	}
	return p.Budget.Listed.TryTake(r.party(), min(int64(entries), p.Budget.Listed.Largest()))
}

// takeEncoder takes room for the encoder of a listing, if the client accepts one. Without room the listing is not
// compressed: a client that reads slowly keeps the encoder.
func (p *Planner) takeEncoder(r *Request) (*budget.Hold, error) {
	if r.AcceptEncoding == "" {
		return nil, nil
	}
	return p.Budget.Encoders.TryTake(r.party(), 1)
}

// uploadsTo returns what the client may upload to a directory.
func (p *Planner) uploadsTo(dir string) Uploads {
	if p.MayStore == nil {
		return Uploads{}
	}
	return p.MayStore(dir)
}
