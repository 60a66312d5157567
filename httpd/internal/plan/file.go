package plan

import (
	"cmp"
	"context"
	"path"
	"slices"
	"time"

	"sluice/internal/budget"
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
		return pl.sendChecksum(ctx)
	}
	now := time.Now()
	res := pl.represent(ctx, now)
	if pl.redirectsToStore() && precondition(r, res.validators) == 0 {
		if resp, ok := pl.redirectToStore(&res); ok {
			resp.file = pl.file
			return resp
		}
	}
	resp := respond(r, &res, now)
	resp.file = pl.file
	p.addReprDigest(ctx, r, &resp, pl.file)
	return resp
}

// represent describes what is sent at the time now.
func (pl *Plan) represent(ctx context.Context, now time.Time) resource {
	f, party := pl.file, pl.request.party()
	if pl.request.IfMatch == "" && pl.planner.readsForTag(f, pl.facts) { // else another tag would be a wrong 412
		party.Waits = &budget.Tally{Most: tagPatience, Also: party.Waits}
	}
	var etag string
	etag, pl.isMakeshift = pl.planner.etag(ctx, party, f, pl.facts, now)
	res := resource{
		validators: validators{etag: etag, modified: modifiedOf(f.Info), date: pl.facts.modified},
		fields:     slices.Clip(pl.fields), // so that add makes a copy
		body:       pl.facts.body,
		negotiated: pl.negotiated,
	}
	if pl.coding != "" {
		res.etag = etagWith(res.etag, pl.coding) // another representation needs another tag, whatever its size and time
		res.fields.add("Content-Encoding", pl.coding)
	}
	if pl.isDownload {
		res.fields.add("Content-Disposition", attachment(path.Base(pl.name)))
	}
	return res
}

// chooseForm chooses between the file and its compressed forms. It makes pl.file the one
// to send.
func (pl *Plan) chooseForm() {
	pl.facts = pl.factsOf(pl.name, pl.file)
	if pl.wouldWait {
		return
	}
	pl.fields = pl.facts.fields
	if pl.planner.Precompressed && isCompressible(pl.facts.mediaType) {
		pl.negotiated = "Accept-Encoding"
		if f, c := pl.compressedForm(); f != nil {
			pl.file.Release()
			pl.file, pl.facts, pl.coding = f, pl.factsOf(pl.name+c.ext, f), c.name
		}
	}
	if !pl.cachedAt.IsZero() && !pl.wouldWait {
		pl.wouldWait = pl.planner.readsForTag(pl.file, pl.facts) || pl.redirectsToStore()
	}
}

// compressedForm returns the compressed form of the file that the client prefers, or nil.
func (pl *Plan) compressedForm() (*filecache.File, coding) {
	for _, c := range acceptedCodings(pl.request.AcceptEncoding, codings) {
		coded, err := pl.getRegular(pl.name + c.ext)
		if err != nil {
			continue
		}
		if !coded.Info.ModTime().Before(pl.file.Info.ModTime()) {
			return coded, c
		}
		coded.Release() // made of an older version of the file
	}
	return nil, coding{}
}

// factsOf returns the facts about the file at name, or nil if that would wait.
func (pl *Plan) factsOf(name string, f *filecache.File) *facts {
	if t := typeOfFile(name, f.Info); !pl.cachedAt.IsZero() && f.Body == nil && (t == "" || needsCharset(t)) && f.Extra.Load() == nil {
		pl.wouldWait = true // the beginning of the file would have to be read
		return nil
	}
	return pl.planner.factsOf(name, f)
}

// mediaType returns the Content-Type of the file at name: by typeOfFile, or
// else by its first bytes, which also decide whether a text has a charset. It is not
// known if its file system does not answer.
func (p *Planner) mediaType(name string, f *filecache.File) (mediaType string, isKnown bool) {
	t := typeOfFile(name, f.Info)
	if t != "" && !needsCharset(t) {
		return t, true
	}
	begin := f.Body
	if begin == nil {
		if f.Mount.Enter() != nil {
			return cmp.Or(t, unknownType), false
		}
		defer f.Mount.Leave()
		b := make([]byte, min(charsetSample, f.Info.Size()))
		n, err := f.File.ReadAt(b, 0)
		if err != nil && n == 0 {
			return cmp.Or(t, unknownType), true
		}
		begin = b[:n]
	}
	begin = begin[:min(charsetSample, len(begin))]
	if t == "" {
		return sniff(begin, p.DetectType), true
	}
	return withCharset(t, begin), true
}
