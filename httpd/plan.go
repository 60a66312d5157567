package httpd

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// resource is what the plan has to know of a file.
type resource struct {
	validators
	size        int64
	contentType string
}

// plan is a response to be: its status, its header, and the part of the file
// that is its body. Status 304, 412 and 416 have no part.
type plan struct {
	status int
	header http.Header
	body   byteRange
}

// planFile decides what to answer to a GET or HEAD of a file. It is pure; now
// is the time of the request.
func planFile(h http.Header, res resource, now time.Time) plan {
	p := plan{status: http.StatusOK, header: http.Header{}, body: byteRange{0, res.size}}
	p.header.Set("Etag", res.etag)
	if !res.modified.IsZero() && !res.modified.After(now) { // RFC 9110, 8.8.2.1: no date in the future
		p.header.Set("Last-Modified", res.modified.UTC().Format(http.TimeFormat))
	}
	p.header.Set("Accept-Ranges", "bytes")

	if status := precondition(h, res.validators); status != 0 {
		p.status, p.body = status, byteRange{}
		return p
	}
	if ranges := h.Values("Range"); len(ranges) == 1 && rangeApplies(h, res.validators, now) {
		part, ok, err := parseRange(ranges[0], res.size)
		switch {
		case err != nil:
			p.status, p.body = http.StatusRequestedRangeNotSatisfiable, byteRange{}
			p.header.Set("Content-Range", fmt.Sprintf("bytes */%d", res.size))
			return p
		case ok:
			p.status, p.body = http.StatusPartialContent, part
			p.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.off, part.off+part.n-1, res.size))
		}
	}
	p.header.Set("Content-Type", res.contentType)
	p.header.Set("Content-Length", strconv.FormatInt(p.body.n, 10))
	return p
}
