package plan

import (
	"context"
	"net/http"
	"time"

	"sluice/internal/archive"
)

var (
	ErrUnsatisfiable = errUnsatisfiable
	NextETag         = nextETag
	ParseDate        = parseDate
	CanonicalName    = canonicalName
	StatusTexts      = statusTexts
	TypeOf           = typeOf
	Sniff            = sniff
	Attachment       = attachment
	Preferred        = preferred
	WantedDigest     = wantedDigest
	CoalesceBelow    = int64(minGap)
	MaxRanges        = maxRanges
)

// ParseRanges returns pairs of an offset and a length.
func ParseRanges(field string, size int64) (ranges [][2]int64, err error) {
	parsed, err := parseRanges(nil, field, size)
	for _, r := range parsed {
		ranges = append(ranges, [2]int64{r.off, r.n})
	}
	return ranges, err
}

// AcceptedCodings returns the names of the codings of files that a client
// accepts.
func AcceptedCodings(acceptEncoding string) (names []string) {
	for _, c := range acceptedCodings(acceptEncoding, codings) {
		names = append(names, c.name)
	}
	return names
}

// RuleMatches reports whether a rule with the pattern holds for the path.
func RuleMatches(pattern, urlPath string) bool { return Rule{Pattern: pattern}.matches(urlPath) }

// A Planned is a response whose body is in memory.
type Planned struct {
	Status int
	Header http.Header
	Body   []byte
}

// RespondTo answers a request for a resource with the content.
func RespondTo(r Request, etag string, modified time.Time, fields http.Header, content []byte, now time.Time) Planned {
	res := resource{validators: validators{etag: etag, modified: modified}, body: Body{textPiece(content)}}
	for name := range fields {
		res.fields.add(name, fields.Get(name))
	}
	resp := respond(&r, &res, now)
	p := Planned{Status: resp.Status, Header: http.Header{}}
	for _, f := range resp.Header {
		p.Header.Add(f.Name, f.Value)
	}
	for _, piece := range resp.Body {
		p.Body = append(p.Body, piece.data[piece.off:piece.off+piece.n]...)
	}
	return p
}

// IsPlain reports whether the head of the response may be kept with the file.
func (p *Planner) IsPlain(r *Request) bool { return p.isPlain(r) }

// Listed returns how many entries of directories are in responses.
func (p *Planner) Listed() int64 { return p.Budget.Listed.Stats().InUse }

// PieceOf returns a piece that is opened or made when its turn comes.
func PieceOf(n int64, open func() (archive.File, error), content func(context.Context) ([]byte, error)) Piece {
	return Piece{n: n, open: open, make: content}
}
