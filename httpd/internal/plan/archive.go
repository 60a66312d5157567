package plan

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/archive"
	"sluice/internal/budget"
	"sluice/internal/digest"
)

var errTooMany = errors.New("too many files for an archive")

// archiveKind is a format of archives.
type archiveKind struct {
	word      string // the key in the query, and the extension
	mediaType string
	layOut    func([]archive.Entry) ([]archive.Part, error)
	gzip      bool // the archive is compressed, and has neither length nor ranges
}

var archives = []archiveKind{
	{"zip", "application/zip", archive.Zip, false},
	{"tar", "application/x-tar", archive.Tar, false},
	{"tar.gz", "application/gzip", archive.Tar, true},
}

// sendArchive answers with an archive of the files below a directory. Its entity
// tag changes with every file in it.
func (pl *Plan) sendArchive(ctx context.Context) Response {
	p, r, kind := pl.planner, &pl.request, pl.archive
	dir := path.Clean(r.Path)
	entries, etag, err := p.collect(ctx, r.party(), dir)
	switch {
	case errors.Is(err, errTooMany):
		return failure(r, statusContentTooLarge)
	case ctx.Err() != nil:
		return failure(r, statusServiceUnavailable)
	case err != nil:
		return pl.makeFailure(ctx, err)
	}
	room, err := p.Budget.Entries.TryTake(r.party(), int64(len(entries)))
	if err != nil {
		return pl.makeFailure(ctx, err)
	}
	parts, err := kind.layOut(entries)
	if err != nil {
		room.Release()
		return failure(r, statusInternalServerError) // two names that are equal in an archive
	}
	name := path.Base(dir)
	if name == "/" {
		name = "archive"
	}
	res := resource{validators: validators{etag: etagWith(etag, kind.word)}}
	res.fields.add("Content-Type", kind.mediaType)
	res.fields.add("Content-Disposition", attachment(name+"."+kind.word))
	res.fields.add("X-Content-Type-Options", "nosniff")
	for _, part := range parts {
		res.body = append(res.body, Piece{n: part.Size, open: part.Open, make: part.Bytes})
	}
	if kind.gzip {
		res.gzip()
	}
	resp := respond(r, &res, time.Now())
	resp.release = room.Release
	return resp
}

// gzip turns the body into a stream of the compressed body. Its bytes may differ
// each time, for example with another version of the encoder, so the tag is weak.
func (res *resource) gzip() {
	content := res.body
	if res.etag != "" {
		res.etag = "W/" + res.etag
	}
	res.body = streamBody(encode("gzip", func(ctx context.Context, w io.Writer) error {
		return content.WriteTo(ctx, &copySink{Writer: w, buf: make([]byte, 64<<10)})
	}))
}

// collect returns the files and directories below dir, except hidden ones, and an
// entity tag of them; "" if a file has none. In the archive all lie in a directory
// of the same name. Unreadable files are left out, and named in a file at the end.
func (p *Planner) collect(ctx context.Context, party budget.Party, dir string) (entries []archive.Entry, etag string, err error) {
	turn, err := p.Budget.Archives.Take(ctx, party, 1, 0) // a walk keeps a processor and the disk busy
	if err != nil {
		return nil, "", err
	}
	defer turn.Release()
	top := strings.TrimPrefix(path.Base(dir), "/")
	sum, tagged := sha256.New(), true
	var left leftOut
	err = p.Tree.Walk(dir, func(rel string, info fs.FileInfo, err error) error {
		switch {
		case err != nil: // an unreadable directory, whose own entry was visited before
			return left.add(rel+"/", info, err)
		case ctx.Err() != nil:
			return ctx.Err()
		case p.hides("/"+info.Name()) && info.IsDir():
			return fs.SkipDir
		case p.hides("/" + info.Name()):
			return nil
		case len(entries)+len(left.names) == p.MaxArchived:
			return errTooMany
		}
		e := archive.Entry{Name: path.Join(top, rel), Modified: info.ModTime(), Mode: info.Mode(), Dir: info.IsDir()}
		tag := etagOf(info)
		if !e.Dir {
			name := path.Join(dir, rel)
			if err := p.Tree.Readable(name); err != nil {
				return left.add(rel, info, err)
			}
			e.Size = info.Size()
			tagged = tagged && tag != ""
			e.Open = func() (archive.File, error) { return p.reopen(name, tag) }
			e.CRC = func(ctx context.Context) (uint32, error) { return p.checksum32(ctx, party, name, tag) }
		}
		entries = append(entries, e)
		sum.Write([]byte(e.Name + "\x00" + tag))
		return nil
	})
	if len(left.names) > 0 {
		notice := left.notice(top, entries)
		entries = append(entries, notice)
		sum.Write([]byte(notice.Name + "\x00"))
		sum.Write(notice.Content)
	}
	if tagged {
		etag = `"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:16]) + `"`
	}
	return entries, etag, err
}

// reopen opens a file that had the tag when its directory was read. The caller
// closes it.
func (p *Planner) reopen(name, tag string) (afero.File, error) {
	f, err := p.Tree.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && etagOf(info) != tag {
		err = &fs.PathError{Op: "open", Path: name, Err: archive.ErrChanged}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// checksum32 returns the CRC-32 of a file that had the tag when its directory was
// read.
func (p *Planner) checksum32(ctx context.Context, party budget.Party, name, tag string) (uint32, error) {
	f, err := p.reopen(name, tag)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sum, err := p.digests.Sum(ctx, party, f, digest.CRC32)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(sum), nil
}
