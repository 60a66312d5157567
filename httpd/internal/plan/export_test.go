package httpd

import (
	"net/http"
	"time"
)

// For the tests of what the server decides without a file or a connection.
var (
	ErrUnsatisfiable = errUnsatisfiable
	NextETag         = nextETag
	ErrTooSlow       = errTooSlow
	TypeOf           = typeOf
	Sniff            = sniff
	Attachment       = attachment
	Prefers          = prefers
	WantedDigest     = wantedDigest
	CoalesceBelow    = int64(minGap)
	MaxRanges        = maxRanges
)

// ParseRanges returns pairs of an offset and a length.
func ParseRanges(field string, size int64) (ranges [][2]int64, err error) {
	parsed, err := parseRanges(field, size)
	for _, r := range parsed {
		ranges = append(ranges, [2]int64{r.off, r.n})
	}
	return ranges, err
}

// AcceptedCodings returns the names of the codings of files that a client
// takes.
func AcceptedCodings(acceptEncoding string) (names []string) {
	for _, c := range acceptedCodings(acceptEncoding, codings) {
		names = append(names, c.name)
	}
	return names
}

// RuleMatches reports whether a rule with the pattern holds for the path.
func RuleMatches(pattern, urlPath string) bool { return Rule{Pattern: pattern}.matches(urlPath) }

// A Planned is a plan laid open.
type Planned struct {
	Status int
	Header http.Header
	Body   []byte
}

// PlanFile plans the answer to a request for a resource with the content.
func PlanFile(r *http.Request, etag string, modified time.Time, fields http.Header, content []byte, now time.Time) Planned {
	a := askOf(r)
	res := resource{validators: validators{etag: etag, modified: modified}, body: body{text(content)}}
	for name := range fields {
		res.fields.add(name, fields.Get(name))
	}
	rep := planFile(&a, &res, now)
	p := Planned{Status: rep.status, Header: http.Header{}}
	for _, f := range rep.header {
		p.Header.Add(f.name, f.value)
	}
	for _, piece := range rep.body {
		p.Body = append(p.Body, piece.data[piece.off:piece.off+piece.n]...)
	}
	return p
}

// BoundArchives sets the bounds of archives and returns what undoes it.
func BoundArchives(each int, atOnce int64) (undo func()) {
	oldEach, oldAtOnce := maxArchived, maxArchivedAtOnce
	maxArchived, maxArchivedAtOnce = each, atOnce
	return func() { maxArchived, maxArchivedAtOnce = oldEach, oldAtOnce }
}

// BoundListings sets the bound of listings and returns what undoes it.
func BoundListings(atOnce int64) (undo func()) {
	old := maxListedAtOnce
	maxListedAtOnce = atOnce
	return func() { maxListedAtOnce = old }
}

// Plain and Lengthy are what the fast lane asks of a request.
func Plain(h *Handler, r *http.Request) bool {
	a := askOf(r)
	return h.plain(&a)
}

func Lengthy(r *http.Request) bool {
	a := askOf(r)
	return a.lengthy()
}

// Planner returns a function that plans the answer to r and returns its status.
func Planner(h *Handler, r *http.Request) func() int {
	a := askOf(r)
	return func() int {
		rep := h.respond(r.Context(), &a)
		rep.release()
		return rep.status
	}
}

// PlanToHandOver plans the answer to r as the fast lane does. It returns whether
// that is for another to send, and how many entries of a directory were read.
func PlanToHandOver(h *Handler, r *http.Request) (handOver bool, entries int64) {
	a := askOf(r)
	a.handsOver = true
	rep := h.respond(r.Context(), &a)
	defer rep.release()
	return rep.stream != nil, h.listed.Load()
}

// BoundBodies sets the bound of bodies that are dropped and returns what undoes it.
func BoundBodies(limit time.Duration) (undo func()) {
	old := requestTimeout
	requestTimeout = limit
	return func() { requestTimeout = old }
}

// SetDevNull changes the name of the file that spare descriptors are of, until undo.
func SetDevNull(name string) (undo func()) {
	before := devNull
	devNull = name
	return func() { devNull = before }
}
