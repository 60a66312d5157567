package plan

import (
	"slices"
	"strings"

	"sluice/internal/fileid"
	"sluice/internal/vfs"
)

// redirectsToStore reports whether the client can be sent to another server for the file, where it gets the same bytes: if
// the file is sent as it is, under the name that the client has asked for. A page of another origin reads the response by
// our CORS, which does not hold there.
func (pl *Plan) redirectsToStore() bool {
	p, r := pl.planner, &pl.request
	switch {
	case p.RedirectFor <= 0 || pl.kind != sendsFile || pl.checksum != nil || pl.facts == nil:
		return false
	case pl.isFallback || pl.coding != "" || pl.name != r.Path || r.Origin != "" || r.WantReprDigest != "":
		return false
	case (r.IfMatch != "" || r.IfRange != "") && pl.facts.etag != fileid.StoredTag(pl.file.Info):
		return false // the store would compare our tag with its own
	}
	return pl.file.Info.Size() >= max(p.RedirectFrom, 1) && !hasLinks(pl.facts.mediaType)
}

// hasLinks reports whether content of a media type may have relative links, which a client would resolve against the URL
// that it was sent to: pages, stylesheets, scripts, playlists.
func hasLinks(mediaType string) bool {
	t, _, _ := strings.Cut(mediaType, ";")
	kind, sub, _ := strings.Cut(strings.TrimSpace(t), "/")
	if kind == "text" {
		return sub != "plain" && sub != "csv" && sub != "tab-separated-values"
	}
	isLinking := func(suffix string) bool { return strings.HasSuffix(sub, suffix) }
	return slices.ContainsFunc([]string{"xml", "json", "javascript", "mpegurl"}, isLinking)
}

// storeFields are those of a file that the store is made to send.
var storeFields = []string{"Cache-Control", "Content-Disposition", "Content-Language", "Content-Type", "Expires"}

// redirectToStore sends the client to the store for the file. It is not ok if the store has no URL for it; then the file is
// sent from here.
func (pl *Plan) redirectToStore(res *resource) (Response, bool) {
	p, r := pl.planner, &pl.request
	direct := Response{Status: statusOK, Header: append(Header(nil), res.fields...), isFile: true, name: pl.name}
	p.finish(r, &direct)
	header := make(map[string]string)
	for _, name := range storeFields {
		if value := direct.Header.get(name); value != "" {
			header[name] = value
		}
	}
	target, err := vfs.Presign(p.Tree, r.Method, pl.name, pl.file.Info, p.RedirectFor, header)
	if err != nil {
		return Response{}, false
	}
	resp := failure(r, statusTemporaryRedirect)
	resp.Header.add("Location", target)
	resp.isElsewhere, resp.Reason = true, "redirected to the store"
	return resp, true
}

// keepSecret adds the fields that keep the URL of a redirect to the store from caches, and our URL from the store.
func (h *Header) keepSecret() {
	h.set("Cache-Control", "private, no-store")
	h.set("Expires", "")
	h.set("Referrer-Policy", "no-referrer")
}
