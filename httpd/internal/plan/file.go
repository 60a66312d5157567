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
	var query url.Values
	if a.query != "" {
		query, _ = url.ParseQuery(a.query) // what can be parsed of it
	}
	for _, kind := range checksums {
		if query.Has(kind.word) {
			f, err := h.cache().Renew(name, f) // or its tag would be that of another state than is read
			switch {
			case err != nil:
				return h.refuse(ctx, a, err)
			case f.Info.IsDir():
				f.Release()
				return h.missing(ctx, a)
			}
			return h.serveChecksum(a, name, f, kind)
		}
	}
	f, res := h.represent(ctx, a, name, f)
	if query.Has("download") {
		res.fields.add("Content-Disposition", attachment(path.Base(name)))
	}
	rep := planFile(a, &res, time.Now())
	rep.done = f.Release
	h.addReprDigest(ctx, a, &rep, f)
	return rep
}

// represent chooses between the file at name and the compressed forms of it
// that lie beside it. It takes over f and returns the file to send.
func (h *Handler) represent(ctx context.Context, a *ask, name string, f *filecache.File) (*filecache.File, resource) {
	known := factsOf(name, f)
	var res resource
	res.fields = append(make(header, 0, 4),
		field{"Content-Type", known.mediaType}, field{"X-Content-Type-Options", "nosniff"})
	if h.Precompressed && compressible(known.mediaType) {
		res.negotiated = "Accept-Encoding"
		if side, c := h.compressed(a, name, f); side != nil {
			f.Release()
			f, known = side, factsOf(name+c.ext, side)
			res.fields.add("Content-Encoding", c.name)
		}
	}
	res.validators = validators{etag: h.etag(ctx, f, known), modified: f.Info.ModTime(), date: known.modified}
	res.body = bodyOf(f)
	return f, res
}

// compressed returns the compressed form of the file at name that the client
// likes best, or nil.
func (h *Handler) compressed(a *ask, name string, f *filecache.File) (*filecache.File, coding) {
	for _, c := range acceptedCodings(a.acceptEncoding, codings) {
		side, err := h.regular(name + c.ext)
		if err != nil {
			continue
		}
		if !side.Info.ModTime().Before(f.Info.ModTime()) {
			return side, c
		}
		side.Release() // made of an older file
	}
	return nil, coding{}
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
