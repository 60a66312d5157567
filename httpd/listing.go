package httpd

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
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
	n := int64(len(l.entries))
	if all := h.listed.Add(n); all > maxListedAtOnce && all > n { // one alone may be as large as it is
		h.listed.Add(-n)
		return failure(a, http.StatusServiceUnavailable)
	}
	if h.Archives {
		for _, kind := range archives {
			l.archives = append(l.archives, kind.word)
		}
	}
	res := resource{negotiated: "Accept"}
	write := l.writeHTML
	if prefers(a.accept, "text/html", "application/json") == "application/json" {
		write = l.writeJSON
		res.fields.add("Content-Type", "application/json")
	} else {
		res.fields.add("Content-Type", "text/html; charset=utf-8")
		res.fields.add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'")
	}
	res.fields.add("X-Content-Type-Options", "nosniff")
	res.fields.add("Cache-Control", "no-cache") // ask again each time, with the tag
	res.etag = l.etag(res.fields.get("Content-Type"))
	res.stream = func(_ context.Context, w io.Writer) error { return write(w) }
	if h.CompressListings {
		res.compress(a)
	}
	rep := planFile(a, &res, time.Now())
	rep.done = func() { h.listed.Add(-n) }
	return rep
}

// list reads the directory that a asks for and sorts out what of it to show.
func (h *Handler) list(ctx context.Context, a *ask) (*listing, error) {
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
	return newListing(a, h.visible(entries)), nil
}

// visible drops the hidden entries, in place.
func (h *Handler) visible(entries []fs.FileInfo) []fs.FileInfo {
	return slices.DeleteFunc(entries, func(e fs.FileInfo) bool { return h.hides("/" + e.Name()) })
}

// A listing is what is shown of a directory.
type listing struct {
	path    string // as it was asked for; ends in a slash
	entries []fs.FileInfo
	found   int // how many there are that match; entries may be a part of them

	archives []string // in which the directory can be had

	// From the query. What is not valid there is as good as absent.
	sort          string // "name", "size" or "time"
	descending    bool
	search        string // in the names, without regard to case
	offset, limit int    // of the entries shown; limit 0: all
}

// newListing sorts out what the query of a request wants to see.
func newListing(a *ask, entries []fs.FileInfo) *listing {
	query, _ := url.ParseQuery(a.query) // what can be parsed of it
	l := &listing{path: a.path, sort: "name", descending: query.Get("order") == "desc", search: query.Get("search")}
	if s := query.Get("sort"); s == "size" || s == "time" {
		l.sort = s
	}
	l.offset, l.limit = count(query.Get("offset")), count(query.Get("limit"))

	if l.search != "" {
		needle := strings.ToLower(l.search)
		entries = slices.DeleteFunc(entries, func(e fs.FileInfo) bool {
			return !strings.Contains(strings.ToLower(e.Name()), needle)
		})
	}
	slices.SortStableFunc(entries, l.compare) // stable: what is equal stays by name
	l.found = len(entries)
	l.offset = min(l.offset, l.found)
	entries = entries[l.offset:]
	if l.limit > 0 {
		entries = entries[:min(l.limit, len(entries))]
	}
	l.entries = slices.Clone(entries) // or all would be kept for a part
	return l
}

// count parses a number of entries; what is none is 0.
func count(s string) int {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// compare puts directories first, whatever the order.
func (l *listing) compare(a, b fs.FileInfo) int {
	if a.IsDir() != b.IsDir() {
		if a.IsDir() {
			return -1
		}
		return 1
	}
	var c int
	switch {
	case l.sort == "time":
		c = a.ModTime().Compare(b.ModTime())
	case l.sort == "size" && !a.IsDir():
		c = cmp.Compare(a.Size(), b.Size())
	default:
		c = compareNames(a.Name(), b.Name())
	}
	if l.descending {
		return -c
	}
	return c
}

// compareNames compares without regard to the case of ASCII letters, as people
// look for names.
func compareNames(a, b string) int {
	for i := range min(len(a), len(b)) {
		if c := cmp.Compare(lower(a[i]), lower(b[i])); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// etag returns a weak entity tag of what is shown in a form. It changes with
// the names, sizes and times of the entries, and with the page around them.
func (l *listing) etag(form string) string {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s %d %v %s", form, l.found, l.archives, pageHead)
	b := make([]byte, 0, 512)
	for _, e := range l.entries {
		b = append(b[:0], e.Name()...)
		b = append(b, 0) // which no name has
		b = binary.BigEndian.AppendUint32(b, uint32(e.Mode().Type()))
		b = binary.BigEndian.AppendUint64(b, uint64(e.Size()))
		b = binary.BigEndian.AppendUint64(b, uint64(e.ModTime().UnixNano()))
		sum.Write(b)
	}
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:16]) + `"`
}

// query returns the query of a link to the same listing in another order or
// from another place on.
func (l *listing) query(sort string, descending bool, offset int) string {
	q := url.Values{}
	if sort != "name" || descending {
		q.Set("sort", sort)
	}
	if descending {
		q.Set("order", "desc")
	}
	if l.search != "" {
		q.Set("search", l.search)
	}
	if l.limit > 0 {
		q.Set("limit", strconv.Itoa(l.limit))
	}
	if offset > 0 {
		q.Set("offset", strconv.Itoa(offset))
	}
	return "?" + q.Encode()
}
