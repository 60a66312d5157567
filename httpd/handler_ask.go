package httpd

import (
	"net/http"
	"strings"
)

// askOf takes from a request of net/http what the plan needs.
func askOf(r *http.Request) ask {
	joined := func(name string) string {
		switch lines := r.Header[name]; len(lines) {
		case 0:
			return ""
		case 1:
			return lines[0]
		default:
			return strings.Join(lines, ", ")
		}
	}
	path := r.URL.Path
	if !strings.HasPrefix(path, "/") { // "*", or what another handler has stripped of a prefix
		path = "/" + path
	}
	return ask{
		head:  r.Method == http.MethodHead,
		path:  path,
		query: r.URL.RawQuery,

		accept:            joined("Accept"),
		acceptEncoding:    joined("Accept-Encoding"),
		ifMatch:           joined("If-Match"),
		ifNoneMatch:       joined("If-None-Match"),
		ifModifiedSince:   joined("If-Modified-Since"),
		ifUnmodifiedSince: joined("If-Unmodified-Since"),
		ifRange:           joined("If-Range"),
		rng:               joined("Range"),
		wantReprDigest:    joined("Want-Repr-Digest"),
		origin:            joined("Origin"),
	}
}
