package httpd

import (
	"net/http"
	"time"
)

// For the tests of what the server decides without a file or a connection.
var (
	ParseRange = func(header string, size int64) (off, n int64, ok bool, err error) {
		r, ok, err := parseRange(header, size)
		return r.off, r.n, ok, err
	}
	ErrUnsatisfiable = errUnsatisfiable
	NextETag         = nextETag
	TypeOf           = typeOf
	Listing          = listing
)

// A Planned is a plan laid open.
type Planned struct {
	Status int
	Header http.Header
	Off, N int64
}

func PlanFile(h http.Header, etag string, modified time.Time, size int64, now time.Time) Planned {
	p := planFile(h, resource{validators{etag, modified}, size, "text/plain; charset=utf-8"}, now)
	return Planned{p.status, p.header, p.body.off, p.body.n}
}
