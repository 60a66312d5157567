package listing

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Listing is the entries of a directory that a client wants to see.
type Listing struct {
	// The client, and what it may upload. New leaves both out.
	Login   Login
	Uploads Uploads

	// BeforeRead is called before entries of a stream are read; nil: nothing is.
	BeforeRead func()

	path     string // of the request, decoded; ends in a slash
	archives []string
	entries  []entry
	found    int // number of entries that match the search; entries may be a part of them
	keep     int // how many of them are needed in the end, the first ones in the order; 0: all
	isPart   bool

	next  func() ([]fs.FileInfo, error) // see Stream; nil: there are no more entries
	shown totals                        // of the entries that were written

	// From the query. Invalid values count as absent.
	sort          string // "name", "size" or "time"
	descending    bool
	search        string // in the names, without regard to case; in lower case it is needle
	needle        string
	offset, limit int // of the entries shown; limit 0: all
}

// Login says who the client is.
type Login struct {
	User      string // "": nobody
	CanLogIn  bool   // there is a login, at ?login
	CanLogOut bool   // by POST to ?logout
}

// entry is what a listing shows of a file or directory. An fs.FileInfo takes three times as much memory.
type entry struct {
	name     string
	size     int64
	modified time.Time
	mode     fs.FileMode // only the type
}

func (e *entry) isDir() bool { return e.mode.IsDir() }

// totals are of entries that are shown.
type totals struct {
	dirs, files int
	bytes       int64
	more        bool // there are entries behind them
}

func (t *totals) add(e *entry) {
	if e.isDir() {
		t.dirs++
		return
	}
	t.files++
	t.bytes += e.size
}

// New returns the listing of a directory in the order, and of the part, that
// the query of the request wants. The archives are the formats, such as "zip", in
// which the page offers the directory.
func New(path, rawQuery string, entries []fs.FileInfo, archives []string) *Listing {
	l := Begin(path, rawQuery, archives)
	l.Add(entries)
	l.Sort()
	return l
}

// Begin returns a Listing without entries. Add and Sort, or Stream, follow.
func Begin(path, rawQuery string, archives []string) *Listing {
	query, _ := url.ParseQuery(rawQuery) // on an error it holds the valid pairs
	l := &Listing{path: path, archives: archives, sort: "name", descending: query.Get("order") == "desc", search: query.Get("search")}
	if s := query.Get("sort"); s == "size" || s == "time" {
		l.sort = s
	}
	l.offset, l.limit = count(query.Get("offset")), count(query.Get("limit"))
	l.needle = strings.ToLower(l.search)
	if l.limit > 0 {
		l.keep = l.offset + l.limit
	}
	return l
}

// Add adds those of the entries that match the search. Of a part that the query wants, it
// keeps little more than what comes before its end.
func (l *Listing) Add(entries []fs.FileInfo) {
	if l.entries == nil {
		l.entries = make([]entry, 0, len(entries))
	}
	for _, info := range entries {
		if l.matches(info.Name()) {
			l.entries = append(l.entries, entryOf(info))
			l.found++
		}
	}
	const spare = 1000 // so that it sorts seldom
	if l.keep > 0 && len(l.entries) > 2*l.keep+spare {
		l.order()
		clear(l.entries[l.keep:])
		l.entries = l.entries[:l.keep]
		l.isPart = true
	}
}

// IsPart reports whether Add has dropped entries. Then there will never be many more of them in memory than now.
func (l *Listing) IsPart() bool { return l.isPart }

// order sorts the entries.
func (l *Listing) order() {
	slices.SortFunc(l.entries, func(a, b entry) int {
		return cmp.Or(l.compare(&a, &b), strings.Compare(a.name, b.name)) // equal sizes and times are in the order of names
	})
}

func (l *Listing) matches(name string) bool {
	return l.needle == "" || strings.Contains(strings.ToLower(name), l.needle)
}

func entryOf(info fs.FileInfo) entry {
	mode := info.Mode().Type()
	if info.IsDir() {
		mode |= fs.ModeDir
	}
	return entry{info.Name(), info.Size(), info.ModTime(), mode}
}

// Sort sorts the entries, and keeps the part that the query wants. It follows the last Add.
func (l *Listing) Sort() {
	l.order()
	l.offset = min(l.offset, l.found)
	part := l.entries[l.offset:]
	if l.limit > 0 {
		part = part[:min(l.limit, len(part))]
	}
	if len(part) < cap(l.entries)/2 {
		part = slices.Clone(part) // a part must not keep the memory of all
	}
	l.entries = part
	for i := range part {
		l.shown.add(&part[i])
	}
	l.shown.more = l.offset+len(part) < l.found
}

// Stream adds the entries of next, for a directory that has too many to be sorted: all are written in the order in which
// they come, once, and kept no longer. Sort links are left out. next is first called when the entries that were added have
// been written, and returns io.EOF at the end. IsPart must be false.
func (l *Listing) Stream(next func() ([]fs.FileInfo, error)) {
	l.next = next
	l.sort, l.descending = "name", false // as without these in the query
}

// errEnough ends a stream.
var errEnough = errors.New("no more entries are wanted")

// each calls f for each entry to be shown.
func (l *Listing) each(f func(e *entry) error) error {
	if l.next == nil {
		for i := range l.entries {
			if err := f(&l.entries[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := l.eachOfStream(f); err != errEnough { //nolint:errorlint // it is not wrapped
		return err
	}
	return nil
}

func (l *Listing) eachOfStream(f func(e *entry) error) error {
	skip := l.offset
	show := func(e *entry) error {
		if skip > 0 {
			skip--
			return nil
		}
		if l.limit > 0 && l.shown.dirs+l.shown.files == l.limit {
			l.shown.more = true
			return errEnough
		}
		l.shown.add(e)
		return f(e)
	}
	for i := range l.entries {
		if err := show(&l.entries[i]); err != nil {
			return err
		}
	}
	l.entries = nil // the client may read slowly
	for {
		if l.BeforeRead != nil {
			l.BeforeRead()
		}
		infos, err := l.next()
		if err == io.EOF { //nolint:errorlint // the bare value, as from a Reader
			return nil
		}
		if err != nil {
			return err
		}
		for i, info := range infos {
			infos[i] = nil // as above
			if !l.matches(info.Name()) {
				continue
			}
			e := entryOf(info)
			if err := show(&e); err != nil {
				return err
			}
		}
	}
}

// Uploads says what the client may upload to a directory. With Create the page has a form
// for that.
type Uploads struct {
	Create, Replace bool
	Unseen          bool // the client cannot list what it has uploaded
}

// Len returns the number of entries in memory.
func (l *Listing) Len() int { return len(l.entries) }

// count parses a number of entries. It returns 0 if s is not one.
func count(s string) int {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// compare puts directories first, in every order.
func (l *Listing) compare(a, b *entry) int {
	if a.isDir() != b.isDir() {
		if a.isDir() {
			return -1
		}
		return 1
	}
	var c int
	switch {
	case l.sort == "time":
		c = a.modified.Compare(b.modified)
	case l.sort == "size" && !a.isDir():
		c = cmp.Compare(a.size, b.size)
	default:
		c = compareNames(a.name, b.name)
	}
	if l.descending {
		return -c
	}
	return c
}

// compareNames compares without regard to the case of ASCII letters.
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

// ETag returns a weak entity tag of the listing in a format: any string that is
// another for each. It changes with the names, sizes and times of the entries, and with
// the page around them. It is "" for a stream.
func (l *Listing) ETag(format string) string {
	if l.next != nil {
		return ""
	}
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s %d %v %+v %s%s%s%+v", format, l.found, l.archives, l.Uploads, pageHead, plainHead, uploadForm+keepBox+unseenNote, l.Login)
	b := make([]byte, 0, 512)
	for _, e := range l.entries {
		b = append(b[:0], e.name...)
		b = append(b, 0) // no name has a NUL
		b = binary.BigEndian.AppendUint32(b, uint32(e.mode))
		b = binary.BigEndian.AppendUint64(b, uint64(e.size))
		b = binary.BigEndian.AppendUint64(b, uint64(e.modified.UnixNano()))
		sum.Write(b)
	}
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:16]) + `"`
}

// isSelected reports whether the query wants another order than that of names, or
// not all entries.
func (l *Listing) isSelected() bool {
	return l.sort != "name" || l.descending || l.search != "" || l.offset > 0 || l.limit > 0
}

// query returns the query for the same listing in another order or from another
// offset on.
func (l *Listing) query(sort string, descending bool, offset int) url.Values {
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
	return q
}
