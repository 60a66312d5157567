package httpd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// resource is what the plan has to know of what is asked for: a file, or what
// is made of files.
type resource struct {
	validators
	fields header // of every 200: Content-Type and what else belongs to the representation
	body   body
	stream func(ctx context.Context, w io.Writer) error // instead of body, as in reply

	// negotiated names the field that decided which representation this is;
	// "" is none.
	negotiated string
}

// coded reports whether the body is in a content coding.
func (res *resource) coded() bool { return res.fields.get("Content-Encoding") != "" }

// planFile decides what to answer to a GET or HEAD of a resource. It is pure
// but for the boundary of several ranges; now is the time of the request.
// When the request is not conditional the answer depends on the resource
// alone.
func planFile(a *ask, res *resource, now time.Time) reply {
	switch status := precondition(a, res.validators); status {
	case http.StatusNotModified:
		return notModified(res)
	case http.StatusPreconditionFailed:
		rep := failure(a, status)
		rep.header.validate(res, now)
		return rep
	}

	rep := reply{status: http.StatusOK, header: make(header, 0, 8), body: res.body, stream: res.stream}
	size := res.body.size()
	// For HEAD no range is defined (RFC 9110, 14.2).
	if a.rng != "" && !a.head && res.stream == nil && rangeApplies(a.ifRange, res.validators, now) {
		ranges, err := parseRanges(a.rng, size)
		switch {
		case err != nil:
			rep := failure(a, http.StatusRequestedRangeNotSatisfiable)
			rep.header.add("Content-Range", fmt.Sprintf("bytes */%d", size))
			rep.header.validate(res, now)
			return rep
		case len(ranges) == 1:
			rep.status = http.StatusPartialContent
			rep.body = res.body.cut(ranges[0].off, ranges[0].n)
			rep.header.add("Content-Range", contentRange(ranges[0], size))
		case len(ranges) > 1 && !res.coded():
			return planParts(res, ranges, now)
		}
	}
	rep.header = append(rep.header, res.fields...)
	rep.header.validate(res, now)
	if res.stream == nil {
		rep.header.add("Accept-Ranges", "bytes")
	}
	return rep
}

// notModified has of a 200's header only what a cache needs to choose and to
// freshen what it has (RFC 9110, 15.4.5).
func notModified(res *resource) reply {
	rep := reply{status: http.StatusNotModified}
	if res.etag == "" {
		rep.header.add("Last-Modified", res.lastModified())
	} else {
		rep.header.add("Etag", res.etag)
	}
	if res.negotiated != "" {
		rep.header.vary(res.negotiated)
	}
	return rep
}

// validate adds what a client can later ask by.
func (h *header) validate(res *resource, now time.Time) {
	if res.etag != "" {
		h.add("Etag", res.etag)
	}
	if !res.modified.IsZero() && !res.modified.After(now) && hasFourDigits(res.modified) { // RFC 9110, 8.8.2.1: no date in the future
		h.add("Last-Modified", res.lastModified())
	}
	if res.negotiated != "" {
		h.vary(res.negotiated)
	}
}

func contentRange(r byteRange, size int64) string {
	b := append(make([]byte, 0, 64), "bytes "...)
	b = append(strconv.AppendInt(b, r.off, 10), '-')
	b = append(strconv.AppendInt(b, r.end()-1, 10), '/')
	return string(strconv.AppendInt(b, size, 10))
}

// hasFourDigits reports whether the year of t is one that dates of HTTP and of RFC
// 3339 can tell. Some file systems have others.
func hasFourDigits(t time.Time) bool {
	year := t.UTC().Year()
	return 0 <= year && year <= 9999
}

func formatDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
