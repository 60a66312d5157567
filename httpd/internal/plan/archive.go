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
	"strconv"
	"strings"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/archive"
	"sluice/internal/budget"
	"sluice/internal/digest"
	"sluice/internal/residence"
	"sluice/internal/vfs"
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
	p, r, kind, party := pl.planner, &pl.request, pl.archive, pl.request.party()
	dir := path.Clean(r.Path)
	resp, end, ok := pl.recall(ctx, dir)
	if ok {
		return resp
	}
	defer end()
	if kind.gzip && !r.isHead() { // a refusal is a status only before the header
		if err := p.Budget.Compression.CheckPlace(party); err != nil {
			return pl.makeFailure(ctx, err)
		}
	}
	l, err := p.layOut(ctx, party, dir, kind)
	switch {
	case errors.Is(err, errTooMany):
		return failure(r, statusContentTooLarge)
	case ctx.Err() != nil:
		return overload(r, clientGone)
	case errors.Is(err, errNames):
		resp := failure(r, statusInternalServerError)
		resp.Reason = err.Error()
		return resp
	case err != nil:
		return pl.makeFailure(ctx, err)
	}
	res := kind.describe(dir, l.etag)
	for _, part := range l.parts {
		res.body = append(res.body, Piece{n: part.Size, open: part.Open, make: part.Bytes})
	}
	p.remembered.add(l, res.body.Size(), p.valid())
	if kind.gzip {
		res.gzip(p, party)
	}
	resp = respond(r, &res, time.Now())
	resp.release = l.room.Release
	return resp
}

// describe returns the archive of a directory without its body.
func (k *archiveKind) describe(dir, etag string) (res resource) {
	name := path.Base(dir)
	if name == "/" {
		name = "archive"
	}
	res.etag = etagWith(etag, k.word)
	if k.gzip && res.etag != "" && !strings.HasPrefix(res.etag, "W/") { // the bytes may differ each time, for example with another version of the encoder
		res.etag = "W/" + res.etag
	}
	res.fields.add("Content-Type", k.mediaType)
	res.fields.add("Content-Disposition", attachment(name+"."+k.word))
	res.fields.add("X-Content-Type-Options", "nosniff")
	return res
}

// layout is an archive before it is sent.
type layout struct {
	of    archiveOf
	parts []archive.Part
	etag  string
	room  *budget.Hold // for its entries

	generation uint64 // of the files, before the first was looked at
}

// errNames means that two names would be equal in an archive.
var errNames = errors.New("two files would have the same name in an archive")

// layOut lays out the archive of a directory. The caller releases its room.
func (p *Planner) layOut(ctx context.Context, party budget.Party, dir string, kind *archiveKind) (*layout, error) {
	turns, err := p.Budget.Archives.Slices(ctx, party, 0) // it keeps a processor and the disk busy
	if err != nil {
		return nil, err
	}
	defer turns.Release()
	l := &layout{of: archiveOf{dir, kind.word}, generation: vfs.Generation()}
	entries, etag, err := p.collect(ctx, turns, party, l, dir)
	if err == nil {
		l.etag = etag
		if l.parts, err = kind.layOut(entries); err != nil {
			err = errNames
		}
	}
	if err != nil {
		l.room.Release()
		return nil, err
	}
	return l, nil
}

// take takes room for one more entry.
func (l *layout) take(entries *budget.Pool, party budget.Party) (err error) {
	if l.room == nil {
		l.room, err = entries.TryTake(party, 1)
		return err
	}
	return l.room.Grow(1)
}

// gzip turns the body into a stream of the compressed body.
func (res *resource) gzip(p *Planner, party budget.Party) {
	content := res.body
	res.body = streamBody(encode("gzip", party, p.Budget.Compression, func(ctx context.Context, w io.Writer) error {
		return content.WriteTo(ctx, &copySink{Writer: w, buf: make([]byte, 64<<10), diskOf: p.DiskOf})
	}))
}

// collect returns the files and directories below dir, except hidden ones, and an
// entity tag of them; "" if a file has none. In the archive all lie in a directory
// of the same name. Unreadable files are left out, and named in a file at the end. It
// takes room for all of them, also after an error.
func (p *Planner) collect(ctx context.Context, turns *budget.Slices, party budget.Party, l *layout, dir string) (entries []archive.Entry, etag string, err error) {
	top := strings.TrimPrefix(path.Base(dir), "/")
	sum, tagged := sha256.New(), true
	begin, weak := time.Now(), "" // or "W/", as the tag of a file
	var left leftOut
	err = p.Tree.Walk(dir, func(rel string, info fs.FileInfo, err error) error {
		if err := turns.Step(ctx); err != nil {
			return err
		}
		switch {
		case err != nil: // an unreadable directory, whose own entry was visited before
			return left.add(rel+"/", info, err)
		case p.hides("/"+info.Name()) && info.IsDir():
			return fs.SkipDir
		case p.hides("/" + info.Name()):
			return nil
		case len(entries)+len(left.names) == p.MaxArchived:
			return errTooMany
		}
		if err := l.take(p.Budget.Entries, party); err != nil {
			return err
		}
		e := archive.Entry{Name: path.Join(top, rel), Modified: info.ModTime(), Mode: info.Mode(), Dir: info.IsDir()}
		tag := strconv.FormatInt(info.ModTime().UnixNano(), 36) // all that the archive says of a directory
		if !e.Dir {
			name := path.Join(dir, rel)
			if err := p.Tree.Readable(name); err != nil {
				return left.add(rel, info, err)
			}
			e.Size = info.Size()
			tag = weakened(p.tagOf(info), residence.Unknown, info, begin)
			tagged = tagged && tag != ""
			if strings.HasPrefix(tag, "W/") {
				tag, weak = strings.TrimPrefix(tag, "W/"), "W/"
			}
			now := versionOf(info)
			e.Open = func() (archive.File, error) { return p.reopen(name, now) }
			e.CRC = func(ctx context.Context) (uint32, error) { return p.checksum32(ctx, party, name, now) }
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
		etag = weak + `"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:16]) + `"`
	}
	return entries, etag, err
}

// reopen opens a file that was the version when its directory was read. The caller
// closes it.
func (p *Planner) reopen(name string, was version) (afero.File, error) {
	f, err := p.Tree.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && versionOf(info) != was {
		err = &fs.PathError{Op: "open", Path: name, Err: archive.ErrChanged}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// checksum32 returns the CRC-32 of a file that was the version when its directory was
// read.
func (p *Planner) checksum32(ctx context.Context, party budget.Party, name string, was version) (uint32, error) {
	f, err := p.reopen(name, was)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sum, err := p.digests.Sum(ctx, party, digest.On(f, vfs.MountOfFile(p.Tree, f)), digest.CRC32)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(sum), nil
}
