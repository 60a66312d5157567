package httpd

import (
	"net/http"
	"strings"

	"sluice/httpd/internal/plan"
)

// requestOf returns the part of a request of net/http that decides the response.
func requestOf(r *http.Request) plan.Request {
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
	// condition is joined of a condition that never holds if it is empty, and always if it is absent.
	condition := func(name string) string {
		value := joined(name)
		if value == "" && len(r.Header[name]) > 0 {
			return " "
		}
		return value
	}
	path := r.URL.Path
	switch {
	case path == "" && strings.Contains(r.RequestURI, "://") && plan.EncodedPath(r.RequestURI) == "": // RFC 9110, 4.2.3
		path = "/"
	case path == "" && r.RequestURI != "" && !strings.HasSuffix(plan.EncodedPath(r.RequestURI), "/"):
		path = "/." // a handler has removed all of it, and there was no slash at the end: the root, by a name without one
	case !strings.HasPrefix(path, "/"): // "*", or a handler has removed a prefix with its slash
		path = "/" + path
	}
	return plan.Request{
		Method: r.Method,
		Path:   path,
		Query:  r.URL.RawQuery,
		URI:    r.RequestURI,

		Accept:            joined("Accept"),
		AcceptEncoding:    joined("Accept-Encoding"),
		IfMatch:           condition("If-Match"),
		IfNoneMatch:       joined("If-None-Match"),
		IfModifiedSince:   joined("If-Modified-Since"),
		IfUnmodifiedSince: joined("If-Unmodified-Since"),
		IfRange:           condition("If-Range"),
		Range:             joined("Range"),
		WantReprDigest:    joined("Want-Repr-Digest"),
		Origin:            joined("Origin"),
	}
}
