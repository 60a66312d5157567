package plan

import (
	"context"
	"io"
	"io/fs"
	"slices"
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

// EntryType returns the media type that GET gives for a file of that name, or "" if it depends on the content.
func EntryType(name string) string { return typeOf(name) }

// EntryTag returns the entity tag that GET gives for the file, or "" if it depends on the content.
func (p *Planner) EntryTag(info fs.FileInfo) string {
	if p.ContentETags {
		return ""
	}
	return etagOf(info)
}

// PresentTag returns the entity tag of the file at name as it is on the disk; "": there is none. It may read the file.
func (p *Planner) PresentTag(ctx context.Context, r *Request, name string) string {
	v, _ := p.present(ctx, r.party(), name)
	return v.etag
}

// Entries returns what a listing of the directory shows to the client of r. The caller calls release when it has
// forgotten them.
func (p *Planner) Entries(ctx context.Context, r *Request, name string) (entries []fs.FileInfo, release func(), err error) {
	turn, err := p.Budget.Listings.Take(ctx, r.party(), 1, 0) // the entries take memory before they can be counted
	if err != nil {
		return nil, nil, err
	}
	defer turn.Release()
	entries, err = p.Tree.ReadDir(name)
	if err != nil {
		return nil, nil, err
	}
	entries = slices.DeleteFunc(entries, func(e fs.FileInfo) bool { return p.hides("/" + e.Name()) })
	room, err := p.takeListed(r.party(), len(entries))
	if err != nil {
		return nil, nil, err
	}
	return entries, room.Release, nil
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
