package plan

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"

	"sluice/internal/archive"
	"sluice/internal/budget"
	"sluice/internal/filecache"
	"sluice/internal/vfs"
)

// sendFile answers with the file, or with a checksum of it.
func (pl *Plan) sendFile(ctx context.Context) Response {
	if pl.checksum != nil {
		// The checksum is computed from the file on the disk, so the entity tag
		// must be that of its present state.
		f, err := pl.planner.Files.Renew(pl.name, pl.file)
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
	resp, err := pl.sendContent(ctx)
	if err == nil {
		return resp
	}
	if vfs.IsUnavailable(err) {
		if err = pl.reopen(); err == nil {
			resp, err = pl.sendContent(ctx)
		}
	}
	if err != nil {
		pl.Release()
		return pl.makeFailure(ctx, err)
	}
	return resp
}

// sendContent answers with the file, or says why its content cannot be read.
func (pl *Plan) sendContent(ctx context.Context) (Response, error) {
	now := time.Now()
	res := pl.represent(ctx, now)
	if pl.redirectsToStore() && precondition(&pl.request, res.validators) == 0 {
		if resp, ok := pl.redirectToStore(&res); ok {
			resp.file = pl.file
			return resp, nil
		}
	}
	resp := respond(&pl.request, &res, now)
	if err := pl.checkContent(&resp); err != nil {
		return Response{}, err
	}
	resp.file = pl.file
	pl.planner.addReprDigest(ctx, &pl.request, &resp, pl.file)
	return resp, nil
}

// checkContent reads a byte of what will be sent, if the file belongs to another machine
// or process: that may fail although the file could be opened, and after the head only the
// connection can say so.
func (pl *Plan) checkContent(resp *Response) error {
	f := pl.file
	if pl.request.isHead() || !isElsewhere(f) {
		return nil
	}
	for i := range resp.Body {
		p := &resp.Body[i]
		if p.n == 0 || p.file != archive.File(f.File) {
			continue
		}
		if err := f.Mount.Enter(); err != nil {
			return err
		}
		defer f.Mount.Leave()
		n, err := f.File.ReadAt(make([]byte, 1), p.off)
		if n == 1 || err == io.EOF { //nolint:errorlint // the bare value, as from a ReaderAt; a file that has become shorter
			return nil
		}
		f.Fail()
		return err
	}
	return nil
}

// reopen opens the file again by its name.
func (pl *Plan) reopen() error {
	pl.file.Fail()
	name := pl.name + pl.ext
	f, err := pl.planner.Files.Renew(name, pl.file)
	pl.file = nil
	switch {
	case err != nil:
		return err
	case f.Info.IsDir():
		f.Release()
		return fs.ErrNotExist
	}
	pl.file, pl.facts = f, pl.factsOf(name, f)
	return nil
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
			pl.file, pl.facts, pl.coding, pl.ext = f, pl.factsOf(pl.name+c.ext, f), c.name, c.ext
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
// known if it cannot be read now.
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
			return cmp.Or(t, unknownType), errors.Is(err, io.EOF)
		}
		begin = b[:n]
	}
	begin = begin[:min(charsetSample, len(begin))]
	if t == "" {
		return sniff(begin, p.DetectType), true
	}
	return withCharset(t, begin), true
}
