package plan

import (
	"context"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"sluice/internal/budget"
	"sluice/internal/residence"
	"sluice/internal/vfs"
)

// The methods below are for requests of WebDAV. The caller makes the response.

// davMethods are those that RFC 4918 adds.
var davMethods = []string{"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK"}

// asksLoginForDAV reports whether a request of WebDAV is one of a guest, which a user may be allowed to make.
func (p *Planner) asksLoginForDAV(method string) bool {
	switch {
	case !p.DAV || p.Private || !slices.Contains(davMethods, method):
		return false
	case method == "PROPFIND":
		return p.logins.Load() && (p.Files == nil || p.NoListing)
	}
	return p.loginsToChange.Load()
}

// AsksLoginInstead reports whether a guest who lacks a right for a request with that method is asked for a password,
// because a user may have it.
func (p *Planner) AsksLoginInstead(method string) bool {
	if method == "PROPFIND" {
		return p.DAV && !p.Private && p.logins.Load()
	}
	return p.AsksLoginToChange(method)
}

// addDAV adds the fields by which clients know that they can mount the files. Class 2 are locks, without which some
// mount them read-only. The URI means the property executable of mod_dav_fs. Explorer looks for the other field.
func (p *Planner) addDAV(fields *Header) {
	class := "1"
	if len(p.Changes) > 1 || p.loginsToChange.Load() { // more than PROPFIND
		class = "1, 2, <http://apache.org/dav/propset/fs/1>"
	}
	fields.add("Dav", class)
	fields.add("Ms-Author-Via", "DAV")
}

// EntryType returns the media type that GET gives for a file of that name, without the charset of a text; "" if it depends
// on the content.
func EntryType(name string) string { return typeOf(name) }

// EntryTag returns the entity tag that GET gives for the file at name, or "" if it depends on the content.
func (p *Planner) EntryTag(name string, info fs.FileInfo) string {
	if p.ContentETags {
		return ""
	}
	where, now := residence.Unknown, time.Now()
	if now.Before(settles(info.ModTime())) {
		where = p.residenceOf(path.Dir(name)) // few files are so young
	}
	return weakened(p.tagOf(info), where, info, now)
}

// residenceOf returns where the entries of a directory are.
func (p *Planner) residenceOf(dir string) residence.Residence {
	f, err := p.get(dir, Lookup{})
	if err != nil {
		return residence.Unknown
	}
	defer f.Release()
	return f.Residence
}

// HasTag reports whether the file at name, as it is on the disk, has an entity tag. The comparison is weak (RFC 4918,
// 10.4.4), because clients have the tag of a new file while it is weak. It may read the file.
func (p *Planner) HasTag(ctx context.Context, r *Request, name, tag string) bool {
	v, _ := p.present(ctx, r.party(), name)
	return v.etag != "" && weakMatch(tag, v.etag)
}

// Entries are the entries of a directory that a listing shows. The caller calls Release after the last use.
type Entries struct {
	planner *Planner
	infos   []fs.FileInfo // the first ones; nil: they were returned
	dir     *vfs.Dir      // the others
	room    *budget.Hold
}

const (
	// maxSortedInfos is up to how many entries of a directory WebDAV shows sorted by name. Of larger ones the others are
	// read while they are sent, because an fs.FileInfo takes much memory.
	maxSortedInfos = 1000

	infosUnits = 5_000 // of Budget.Listed, for the first entries
)

// Entries returns the entries of a directory for the client of r.
func (p *Planner) Entries(ctx context.Context, r *Request, name string) (*Entries, error) {
	turn, err := p.Budget.Listings.Take(ctx, p.partyAt(r, name), 1, 0)
	if err != nil {
		return nil, err
	}
	defer turn.Release()
	room, err := p.takeListed(r, infosUnits)
	if err != nil {
		return nil, err
	}
	e := &Entries{planner: p, room: room}
	if err := e.open(ctx, r, name); err != nil {
		e.Release()
		return nil, err
	}
	return e, nil
}

// open opens the directory, and reads the first entries.
func (e *Entries) open(ctx context.Context, r *Request, name string) (err error) {
	if e.dir, err = e.planner.openDir(ctx, r, name); err != nil {
		return err
	}
	for len(e.infos) <= maxSortedInfos {
		infos, err := e.dir.Next()
		if err == io.EOF { //nolint:errorlint // the bare value, as from a Reader
			slices.SortFunc(e.infos, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		e.infos = append(e.infos, e.planner.visible(infos)...)
	}
	return nil
}

// Next returns the next entries. The error is io.EOF at the end.
func (e *Entries) Next() ([]fs.FileInfo, error) {
	if infos := e.infos; infos != nil {
		e.infos = nil
		return infos, nil
	}
	e.room.Shrink(streamUnits)
	infos, err := e.dir.Next() // after those of a small directory it is at its end
	return e.planner.visible(infos), err
}

// Release gives back what the entries take.
func (e *Entries) Release() {
	if e == nil {
		return
	}
	if e.dir != nil {
		e.dir.Close()
	}
	e.room.Release()
}

// Written answers a request with a body that write makes. release is called at the end; nil: nothing is.
func (p *Planner) Written(r *Request, status int, fields Header, write func(ctx context.Context, w io.Writer) error, release func()) Response {
	resp := Response{Status: status, Header: fields, Body: streamBody(write), release: release}
	p.finish(r, &resp)
	resp.Header.set("Cache-Control", "no-store")
	return resp
}

// RefusedXML is Refused with the body of RFC 4918, 16.
func (p *Planner) RefusedXML(r *Request, status int, body string) Response {
	resp := Response{Status: status, Body: Body{textPiece(body)}}
	resp.Header.add("Content-Type", "application/xml; charset=utf-8")
	p.finish(r, &resp)
	return resp
}
