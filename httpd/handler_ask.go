package httpd

import (
	"net/http"
	"net/url"
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
	switch {
	case path == "" && r.RequestURI != "" && !strings.HasSuffix(shown(r.RequestURI), "/"):
		path = "/." // all was prefix, and no slash behind it: the root, as a name of its own
	case !strings.HasPrefix(path, "/"): // "*", or what is left behind a prefix
		path = "/" + path
	}
	return ask{
		head:  r.Method == http.MethodHead,
		path:  path,
		query: r.URL.RawQuery,
		uri:   r.RequestURI,

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

// shown returns the path in the target of a request, encoded as the client wrote
// it, which is what a browser resolves links against; "" if there is none.
func shown(uri string) string {
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}
