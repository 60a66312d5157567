package httpd

import (
	"context"
	"net/url"
	"path"
	"time"

	"sluice/internal/filecache"
)

// serveFile answers with a file, the one at name, or with what the query wants
// of it. It takes over f.
func (h *Handler) serveFile(ctx context.Context, a *ask, name string, f *filecache.File) reply {
	query, _ := url.ParseQuery(a.query) // what can be parsed of it
	for _, kind := range checksums {
		if query.Has(kind.word) {
			return h.serveChecksum(a, name, f, kind)
		}
	}
	var res resource
	f, res.negotiated, res.fields = h.represent(a, name, f)
	res.validators = validators{etag: h.etag(ctx, f), modified: f.Info.ModTime()}
	res.body = bodyOf(f)
	if query.Has("download") {
		res.fields.add("Content-Disposition", attachment(path.Base(name)))
	}
	rep := planFile(a, &res, time.Now())
	rep.done = f.Release
	h.addReprDigest(ctx, a, &rep, f)
	return rep
}

// represent chooses between the file at name and the compressed forms of it
// that lie beside it. It takes over f and returns the file to send, the
// request's field that decided, and the fields of the representation.
func (h *Handler) represent(a *ask, name string, f *filecache.File) (_ *filecache.File, negotiated string, fields header) {
	t := mediaType(name, f)
	fields.add("Content-Type", t)
	fields.add("X-Content-Type-Options", "nosniff")
	if !h.Precompressed || !compressible(t) {
		return f, "", fields
	}
	for _, c := range acceptedCodings(a.acceptEncoding, codings) {
		side, err := h.regular(name + c.ext)
		if err != nil {
			continue
		}
		if side.Info.ModTime().Before(f.Info.ModTime()) { // made of an older file
			side.Release()
			continue
		}
		f.Release()
		fields.add("Content-Encoding", c.name)
		return side, "Accept-Encoding", fields
	}
	return f, "Accept-Encoding", fields
}

// bodyOf returns a body that is the whole file.
func bodyOf(f *filecache.File) body {
	return body{{n: f.Info.Size(), file: f.File, data: f.Body}}
}

// mediaType returns the Content-Type of the file at name: by its extension, or
// else by its first bytes.
func mediaType(name string, f *filecache.File) string {
	if t := typeOf(name); t != "" {
		return t
	}
	begin := f.Body
	if begin == nil {
		var b [sniffed]byte
		n, err := f.File.ReadAt(b[:min(sniffed, f.Info.Size())], 0)
		if err != nil && n == 0 {
			return unknownType
		}
		begin = b[:n]
	}
	return sniff(begin)
}
