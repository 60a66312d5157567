package plan

import (
	"fmt"
	"strconv"
	"time"
)

// resource is a representation of a resource (RFC 9110, 3.2): a file, or content
// that is made of files.
type resource struct {
	validators
	fields Header // of every 200: Content-Type and the other fields of the representation
	body   Body

	// negotiated names the header fields of the request that decided which
	// representation this is; "": none.
	negotiated string
}

// isCoded reports whether the body is in a content coding.
func (res *resource) isCoded() bool { return res.fields.get("Content-Encoding") != "" }

// respond answers a GET or HEAD of a resource. It is a pure function, except for
// the boundary of several ranges; now is the time of the request. The response to a
// request without conditions depends on the resource alone.
func respond(r *Request, res *resource, now time.Time) Response {
	switch status := precondition(r, res.validators); status {
	case statusNotModified:
		return notModified(res)
	case statusPreconditionFailed:
		resp := failure(r, status)
		resp.Header.addValidators(res, now)
		return resp
	}

	resp := Response{Status: statusOK, Header: make(Header, 0, 8), Body: res.body}
	isStream := res.body.isStream()
	// For HEAD no range is defined (RFC 9110, 14.2).
	if r.Range != "" && !r.isHead() && !isStream && rangeApplies(r.IfRange, res.validators, now) {
		size := res.body.Size()
		var one [1]byteRange
		ranges, err := parseRanges(one[:0], r.Range, size)
		switch {
		case err != nil:
			resp := failure(r, statusRangeNotSatisfiable)
			resp.Header.add("Content-Range", fmt.Sprintf("bytes */%d", size))
			resp.Header.addValidators(res, now)
			return resp
		case len(ranges) == 1:
			resp.Status = statusPartialContent
			resp.Body = res.body.cut(ranges[0].off, ranges[0].n)
			resp.Header.add("Content-Range", contentRange(ranges[0], size))
		case len(ranges) > 1 && !res.isCoded():
			return respondWithParts(res, ranges, now)
		}
	}
	resp.Header = append(resp.Header, res.fields...)
	resp.Header.addValidators(res, now)
	if !isStream {
		resp.Header.add("Accept-Ranges", "bytes")
	}
	return resp
}

// notModified has only those fields of a 200 that a cache needs to choose and to
// update its copy (RFC 9110, 15.4.5).
func notModified(res *resource) Response {
	resp := Response{Status: statusNotModified, Header: make(Header, 0, 4)}
	switch {
	case res.etag != "":
		resp.Header.add("Etag", res.etag)
	case !res.modified.IsZero():
		resp.Header.add("Last-Modified", res.lastModified())
	}
	if res.negotiated != "" {
		resp.Header.vary(res.negotiated)
	}
	return resp
}

// addValidators adds the fields for later conditional requests.
func (h *Header) addValidators(res *resource, now time.Time) {
	if res.etag != "" {
		h.add("Etag", res.etag)
	}
	switch {
	case res.modified.IsZero() || !hasFourDigits(res.modified):
	case res.modified.After(now): // RFC 9110, 8.8.2.1: no date in the future
		h.add("Last-Modified", FormatDate(now))
	default:
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

// hasFourDigits reports whether a date of HTTP can express the year of t. Some file
// systems have other years.
func hasFourDigits(t time.Time) bool {
	year := t.UTC().Year()
	return 0 <= year && year <= 9999
}
