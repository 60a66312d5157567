package httpd

import (
	"net/http"
	"strings"
	"time"
)

// validators are what a client can compare its copy by (RFC 9110, 8.8).
type validators struct {
	etag     string // a strong entity tag with its quotes
	modified time.Time
}

// precondition evaluates the conditions of a GET or HEAD in the order of RFC
// 9110, 13.2.2, except If-Range. It returns 0 to go on, 304 or 412.
func precondition(h http.Header, v validators) int {
	if match := h.Values("If-Match"); len(match) > 0 {
		if !matchesAny(match, v.etag, strongMatch) {
			return http.StatusPreconditionFailed
		}
	} else if since, ok := date(h, "If-Unmodified-Since"); ok && seconds(v.modified).After(since) {
		return http.StatusPreconditionFailed
	}

	if none := h.Values("If-None-Match"); len(none) > 0 {
		if matchesAny(none, v.etag, weakMatch) {
			return http.StatusNotModified
		}
	} else if since, ok := date(h, "If-Modified-Since"); ok && !seconds(v.modified).After(since) {
		return http.StatusNotModified
	}
	return 0
}

// rangeApplies evaluates If-Range (RFC 9110, 13.1.5) at the time now.
func rangeApplies(h http.Header, v validators, now time.Time) bool {
	condition := h.Get("If-Range")
	if condition == "" {
		return true
	}
	if since, err := http.ParseTime(condition); err == nil {
		// A date is a strong validator only when the file cannot have changed
		// again within the same second (RFC 9110, 8.8.2.2).
		return seconds(v.modified).Equal(since) && now.Sub(v.modified) >= time.Second
	}
	return strongMatch(condition, v.etag)
}

// date returns the date in the named field. One that is no date is as good as
// absent.
func date(h http.Header, name string) (time.Time, bool) {
	t, err := http.ParseTime(h.Get(name))
	return t, err == nil
}

// seconds is t as an HTTP date can tell it.
func seconds(t time.Time) time.Time { return t.Truncate(time.Second) }

// matchesAny reports whether one of the entity tags in the field's lines, or
// the asterisk that stands for any, matches etag.
func matchesAny(lines []string, etag string, match func(a, b string) bool) bool {
	for _, line := range lines {
		if strings.TrimSpace(line) == "*" {
			return true
		}
		for line != "" {
			var tag string
			tag, line = nextETag(line)
			if tag != "" && match(tag, etag) {
				return true
			}
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
