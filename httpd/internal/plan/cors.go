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
		exposed := "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Range, Etag, Repr-Digest"
		if p.mayChange(r) {
			exposed += ", Location, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, " +
				"Upload-Complete, Upload-Defer-Length, Upload-Draft-Interop-Version, Upload-Expires, Upload-Length, Upload-Limit, Upload-Metadata, Upload-Offset, X-Oc-Mtime"
		}
		fields.set("Access-Control-Expose-Headers", exposed)
	}
}

// preflight adds the fields by which a browser knows what requests a page may send.
func (p *Planner) preflight(r *Request, fields *Header) {
	if !p.isShared(r) {
		return
	}
	methods, names := allowed, "If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range, Want-Repr-Digest"
	if p.mayChange(r) {
		methods = p.allow()
		names += ", Content-Digest, Content-Type, Repr-Digest, Tus-Resumable, Upload-Checksum, Upload-Complete, Upload-Defer-Length, " +
			"Upload-Draft-Interop-Version, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override, X-OC-Mtime, X-Request-ID"
	}
	fields.add("Access-Control-Allow-Methods", methods)
	fields.add("Access-Control-Allow-Headers", names)
	fields.add("Access-Control-Max-Age", "86400")
}

// mayChange reports whether the request comes from a page that may change what guests
// may: one of an origin that CORS has by name. Pages of other origins may at most read.
func (p *Planner) mayChange(r *Request) bool {
	return len(p.Changes) > 0 && NamesOrigin(p.CORS, r.Origin)
}

// NamesOrigin reports whether cors has the very origin. "*" is no name, because the pages of
// everybody could reach a server that only the browser's network can; nor is "null", which
// every page can make the origin of a frame in it.
func NamesOrigin(cors []string, origin string) bool {
	return origin != "*" && origin != "null" && slices.Contains(cors, origin)
}

// isShared reports whether the request comes from a page that may read the
// response.
func (p *Planner) isShared(r *Request) bool {
	return r.Origin != "" && (slices.Contains(p.CORS, r.Origin) || slices.Contains(p.CORS, "*"))
}
