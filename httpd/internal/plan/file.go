package plan

import (
	"context"
	"path"
	"time"

	"sluice/internal/filecache"
)

// sendFile answers with the file, or with a checksum of it.
func (pl *Plan) sendFile(ctx context.Context) Response {
	p, r := pl.planner, &pl.request
	if pl.checksum != nil {
		// The checksum is computed from the file on the disk, so the entity tag
		// must be that of its present state.
		f, err := p.Files.Renew(pl.name, pl.file)
		pl.file = nil
		switch {
		case err != nil:
			return pl.makeFailure(ctx, err)
		case f.Info.IsDir():
			f.Release()
			return pl.makeMissing(ctx)
		}
		pl.file = f
		return pl.sendChecksum()
	}
	res := pl.represent(ctx)
	if pl.isDownload {
		res.fields.add("Content-Disposition", attachment(path.Base(pl.name)))
	}
	resp := respond(r, &res, time.Now())
	resp.release = pl.file.Release
	p.addReprDigest(ctx, r, &resp, pl.file)
	return resp
}

// represent chooses between the file and its compressed forms. It makes pl.file the
// file to send.
func (pl *Plan) represent(ctx context.Context) resource {
	p, f := pl.planner, pl.file
	known := p.factsOf(pl.name, f)
	var res resource
	res.fields = append(make(Header, 0, 4),
		Field{"Content-Type", known.mediaType}, Field{"X-Content-Type-Options", "nosniff"})
	if p.Precompressed && isCompressible(known.mediaType) {
		res.negotiated = "Accept-Encoding"
		if coded, c := p.compressedForm(&pl.request, pl.name, f); coded != nil {
			f.Release()
			f, known = coded, p.factsOf(pl.name+c.ext, coded)
			res.fields.add("Content-Encoding", c.name)
		}
	}
	pl.file = f
	res.validators = validators{etag: p.etag(ctx, f, known), modified: f.Info.ModTime(), date: known.modified}
	res.body = Body{filePiece(f)}
	return res
}

// compressedForm returns the compressed form of the file at name that the client
// prefers, or nil.
func (p *Planner) compressedForm(r *Request, name string, f *filecache.File) (*filecache.File, coding) {
	for _, c := range acceptedCodings(r.AcceptEncoding, codings) {
		coded, err := p.getRegular(name + c.ext)
		if err != nil {
			continue
		}
		if !coded.Info.ModTime().Before(f.Info.ModTime()) {
			return coded, c
		}
		coded.Release() // made of an older version of the file
	}
	return nil, coding{}
}

// mediaType returns the Content-Type of the file at name: by its extension, or
// else by its first bytes.
func (p *Planner) mediaType(name string, f *filecache.File) string {
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
	return sniff(begin, p.DetectType)
}
