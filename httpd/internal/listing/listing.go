package listing

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Listing is the entries of a directory that a client wants to see.
type Listing struct {
	// The client, and what it may upload. New leaves both out.
	Login   Login
	Uploads Uploads

	path     string // of the request, decoded; ends in a slash
	archives []string
	entries  []fs.FileInfo
	found    int // number of entries that match the search; entries may be a part of them

	// From the query. Invalid values count as absent.
	sort          string // "name", "size" or "time"
	descending    bool
	search        string // in the names, without regard to case
	offset, limit int    // of the entries shown; limit 0: all
}

// Login says who the client is.
type Login struct {
	User      string // "": nobody
	CanLogIn  bool   // there is a login, at ?login
	CanLogOut bool   // by POST to ?logout
}

// New returns the listing of a directory in the order, and of the part, that
// the query of the request wants. The archives are the formats, such as "zip", in
// which the page offers the directory. New sorts entries in place and does not
// keep them.
func New(path, rawQuery string, entries []fs.FileInfo, archives []string) *Listing {
	query, _ := url.ParseQuery(rawQuery) // on an error it holds the valid pairs
	l := &Listing{path: path, archives: archives, sort: "name", descending: query.Get("order") == "desc", search: query.Get("search")}
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
	slices.SortStableFunc(entries, l.compare) // stable: equal sizes and times stay in the order of names
	l.found = len(entries)
	l.offset = min(l.offset, l.found)
	entries = entries[l.offset:]
	if l.limit > 0 {
		entries = entries[:min(l.limit, len(entries))]
	}
	l.entries = slices.Clone(entries) // a part must not keep the memory of all
	return l
}

// Uploads says what the client may upload to a directory. With Create the page has a form
// for that.
type Uploads struct {
	Create, Replace bool
	Unseen          bool // the client cannot list what it has uploaded
}

// Len returns the number of entries that are shown.
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
func (l *Listing) compare(a, b fs.FileInfo) int {
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
// the page around them.
func (l *Listing) ETag(format string) string {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s %d %v %+v %s%s%s%+v", format, l.found, l.archives, l.Uploads, pageHead, plainHead, uploadForm+keepBox+unseenNote, l.Login)
	b := make([]byte, 0, 512)
	for _, e := range l.entries {
		b = append(b[:0], e.Name()...)
		b = append(b, 0) // no name has a NUL
		b = binary.BigEndian.AppendUint32(b, uint32(e.Mode().Type()))
		b = binary.BigEndian.AppendUint64(b, uint64(e.Size()))
		b = binary.BigEndian.AppendUint64(b, uint64(e.ModTime().UnixNano()))
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
