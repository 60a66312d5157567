package plan

import "slices"

// addCORS adds the fields by which a browser knows whether the page that sends the
// request may read the response, as the Fetch standard defines. Browsers show a page
// no response to a request with a password or a cookie, because no field
// Access-Control-Allow-Credentials is sent, and preflight does not allow
// Authorization. So "*" is safe.
func (p *Planner) addCORS(r *Request, fields *Header) {
	if len(p.CORS) == 0 {
		return
	}
	if slices.Contains(p.CORS, "*") {
		fields.set("Access-Control-Allow-Origin", "*")
	} else {
		fields.vary("Origin")
		if !p.isShared(r) {
			return
		}
		fields.set("Access-Control-Allow-Origin", r.Origin)
	}
	if r.Origin != "" {
		fields.set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Range, Etag, Repr-Digest")
	}
}

// preflight adds the fields by which a browser knows what requests a page may send.
func (p *Planner) preflight(r *Request, fields *Header) {
	if !p.isShared(r) {
		return
	}
	fields.add("Access-Control-Allow-Methods", allowed)
	fields.add("Access-Control-Allow-Headers", "If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range, Want-Repr-Digest")
	fields.add("Access-Control-Max-Age", "86400")
}

// isShared reports whether the request comes from a page that may read the
// response.
func (p *Planner) isShared(r *Request) bool {
	return r.Origin != "" && (slices.Contains(p.CORS, r.Origin) || slices.Contains(p.CORS, "*"))
}
