package plan

import (
	"io/fs"
	"strings"
	"time"
)

// validators let a client compare its copy with the present state (RFC 9110, 8.8).
type validators struct {
	etag     string    // an entity tag with its quotes; "": none
	modified time.Time // zero: not known
	date     string    // modified in the format of HTTP; "": not formatted yet
}

// lastModified returns the value of the field Last-Modified.
func (v *validators) lastModified() string {
	if v.date == "" {
		return FormatDate(v.modified)
	}
	return v.date
}

// precondition evaluates the conditions of a GET or HEAD in the order of RFC
// 9110, 13.2.2, except If-Range. It returns 0 to go on, 304 or 412.
func precondition(r *Request, v validators) int {
	if r.IfMatch != "" {
		if !matchesAny(r.IfMatch, v.etag, strongMatch) {
			return statusPreconditionFailed
		}
	} else if since, ok := dateOf(r.IfUnmodifiedSince, v); ok && seconds(v.modified).After(since) {
		return statusPreconditionFailed
	}

	if r.IfNoneMatch != "" {
		if matchesAny(r.IfNoneMatch, v.etag, weakMatch) {
			return statusNotModified
		}
	} else if since, ok := dateOf(r.IfModifiedSince, v); ok && seconds(v.modified).Equal(since) {
		return statusNotModified // a file with an older time than the client's is another one: it was put back
	}
	return 0
}

// modifiedOf returns the time of modification for validators; zero if it says nothing.
func modifiedOf(info fs.FileInfo) time.Time {
	if saysNothing(info.ModTime()) {
		return time.Time{}
	}
	return info.ModTime()
}

// rangeApplies evaluates If-Range (RFC 9110, 13.1.5) at the time now.
func rangeApplies(condition string, v validators, now time.Time) bool {
	if condition == "" {
		return true
	}
	if since, ok := dateOf(condition, v); ok {
		// A date is a strong validator only when the file cannot have changed
		// again within the same interval of the clock (RFC 9110, 8.8.2.2).
		return seconds(v.modified).Equal(since) && now.After(settles(v.modified))
	}
	return strongMatch(condition, v.etag)
}

// dateOf returns the date that is the value of a condition on the time of
// modification. A condition that is not one date counts as absent, and so does
// every condition if the time of modification is not known.
func dateOf(value string, v validators) (time.Time, bool) {
	if value == "" || v.modified.IsZero() {
		return time.Time{}, false
	}
	return parseDate(value)
}

// dateFormats are the preferred format of dates, and the two obsolete ones that
// must be accepted (RFC 9110, 5.6.7).
var dateFormats = [...]string{"Mon, 02 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC}

func parseDate(value string) (time.Time, bool) {
	for _, format := range dateFormats {
		if t, err := time.Parse(format, value); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// FormatDate returns a time as dates in header fields give it.
func FormatDate(t time.Time) string { return t.UTC().Format(dateFormats[0]) }

// seconds returns t with the precision of dates in header fields.
func seconds(t time.Time) time.Time { return t.Truncate(time.Second) }

// matchesAny reports whether one of the listed entity tags, or an asterisk,
// matches etag.
func matchesAny(list, etag string, match func(a, b string) bool) bool {
	if strings.Trim(list, " \t") == "*" {
		return true
	}
	for list != "" {
		var tag string
		if tag, list = nextETag(list); tag != "" && match(tag, etag) {
			return true
		}
	}
	return false
}

// nextETag cuts the first entity tag from a list. It returns "" for an element
// that is not an entity tag. A tag may contain commas.
func nextETag(list string) (tag, rest string) {
	list = strings.TrimLeft(list, " \t,")
	opaque := strings.TrimPrefix(list, "W/")
	if strings.HasPrefix(opaque, `"`) {
		if end := strings.IndexByte(opaque[1:], '"'); end >= 0 {
			end += len(list) - len(opaque) + 2
			return list[:end], list[end:]
		}
	}
	_, rest, _ = strings.Cut(list, ",")
	return "", rest
}

// strongMatch and weakMatch compare entity tags (RFC 9110, 8.8.3.2).
func strongMatch(a, b string) bool {
	return a == b && strings.HasPrefix(a, `"`)
}

func weakMatch(a, b string) bool {
	return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}
