package httpd

import "slices"

// share tells a browser whether the page that asks may read the response, as
// the Fetch standard has it. Cookies and passwords are never asked for, so
// that "*" is safe.
func (h *Handler) share(a *ask, fields *header) {
	if len(h.CORS) == 0 {
		return
	}
	if slices.Contains(h.CORS, "*") {
		fields.set("Access-Control-Allow-Origin", "*")
	} else {
		fields.vary("Origin")
		if !h.shares(a) {
			return
		}
		fields.set("Access-Control-Allow-Origin", a.origin)
	}
	if a.origin != "" {
		fields.set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Range, Etag, Repr-Digest")
	}
}

// preflight tells a browser what a page may ask.
func (h *Handler) preflight(a *ask, fields *header) {
	if !h.shares(a) {
		return
	}
	fields.add("Access-Control-Allow-Methods", allowed)
	fields.add("Access-Control-Allow-Headers", "If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range, Want-Repr-Digest")
	fields.add("Access-Control-Max-Age", "86400")
}

// shares reports whether the request comes from a page that may read the
// response.
func (h *Handler) shares(a *ask) bool {
	return a.origin != "" && (slices.Contains(h.CORS, a.origin) || slices.Contains(h.CORS, "*"))
}
