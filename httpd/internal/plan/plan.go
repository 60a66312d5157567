package httpd

import (
	"context"
	"net/http"
	"slices"
)

// allowed is what is told to those who ask what they may do.
const allowed = "GET, HEAD, OPTIONS"

// known are the methods that a server of files could have, so that refusing
// one is a matter of this server (RFC 9110, 15.5.6) and not of never having
// heard of it (15.6.2).
var known = []string{
	http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodTrace,
	"COPY", "LOCK", "MKCOL", "MOVE", "PROPFIND", "PROPPATCH", "UNLOCK", // WebDAV, RFC 4918
}

// respondTo decides what to answer to a request of any method.
func (h *Handler) respondTo(ctx context.Context, method string, a *ask) reply {
	var rep reply
	switch {
	case method == http.MethodGet, method == http.MethodHead:
		return h.respond(ctx, a)
	case method == http.MethodOptions:
		rep.status = http.StatusNoContent
		h.preflight(a, &rep.header)
	case slices.Contains(known, method):
		rep = failure(a, http.StatusMethodNotAllowed)
	default:
		rep = failure(a, http.StatusNotImplemented)
	}
	rep.header.add("Allow", allowed)
	h.finish(a, &rep)
	return rep
}
