package httpd

import (
	"net/http"
	"strings"
	"time"
)

// validators are what a client can compare its copy by (RFC 9110, 8.8).
type validators struct {
	etag     string    // an entity tag with its quotes; "": there is none
	modified time.Time // zero: nobody knows
	date     string    // modified as HTTP says it; "": it is yet to be made
}

// lastModified is the value of the field of that name.
func (v *validators) lastModified() string {
	if v.date == "" {
		return formatDate(v.modified)
	}
	return v.date
}

// precondition evaluates the conditions of a GET or HEAD in the order of RFC
// 9110, 13.2.2, except If-Range. It returns 0 to go on, 304 or 412.
func precondition(a *ask, v validators) int {
	if a.ifMatch != "" {
		if !matchesAny(a.ifMatch, v.etag, strongMatch) {
			return http.StatusPreconditionFailed
		}
	} else if since, ok := date(a.ifUnmodifiedSince, v); ok && seconds(v.modified).After(since) {
		return http.StatusPreconditionFailed
	}

	if a.ifNoneMatch != "" {
		if matchesAny(a.ifNoneMatch, v.etag, weakMatch) {
			return http.StatusNotModified
		}
	} else if since, ok := date(a.ifModifiedSince, v); ok && !seconds(v.modified).After(since) {
		return http.StatusNotModified
	}
	return 0
}

// rangeApplies evaluates If-Range (RFC 9110, 13.1.5) at the time now.
func rangeApplies(condition string, v validators, now time.Time) bool {
	if condition == "" {
		return true
	}
	if since, ok := date(condition, v); ok {
		// A date is a strong validator only when the file cannot have changed
		// again within the same second (RFC 9110, 8.8.2.2).
		return seconds(v.modified).Equal(since) && now.Sub(v.modified) >= time.Second
	}
	return strongMatch(condition, v.etag)
}

// date returns the date that is the value of a condition on the time of
// modification. One that is no date, or two of them, is as good as absent, and
// so is every one when that time is not known.
func date(value string, v validators) (time.Time, bool) {
	if value == "" || v.modified.IsZero() {
		return time.Time{}, false
	}
	t, err := http.ParseTime(value)
	return t, err == nil
}

// seconds is t as an HTTP date can tell it.
func seconds(t time.Time) time.Time { return t.Truncate(time.Second) }

// matchesAny reports whether one of the listed entity tags, or the asterisk
// that stands for any, matches etag.
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

// nextETag cuts the first entity tag from a list. It returns "" for an
// element that is none. A tag may contain commas.
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
