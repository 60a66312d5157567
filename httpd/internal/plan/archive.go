package httpd

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/archive"
	"sluice/internal/digest"
)

// The bounds of archives. What is in one takes memory, about a kilobyte for
// each entry, as long as it is sent. They are variables for the tests.
var (
	maxArchived       = 200_000        // files and directories in an archive
	maxArchivedAtOnce = int64(300_000) // in all that are being sent
)

var errTooMany = errors.New("too many files for an archive")

// archiveKind is a form in which a directory can be had.
type archiveKind struct {
	word      string // in the query, and the extension
	mediaType string
	lay       func([]archive.Entry) ([]archive.Part, error)
	gzip      bool // then it has neither length nor ranges
}

var archives = []archiveKind{
	{"zip", "application/zip", archive.Zip, false},
	{"tar", "application/x-tar", archive.Tar, false},
	{"tar.gz", "application/gzip", archive.Tar, true},
}

// serveArchive answers with an archive of what is beneath a directory. It is
// laid out before it is sent, so that it has a length, and ranges like a file,
// unless it is compressed: a download that broke off can be resumed. Its tag
// changes with every file in it; what changes while it is sent ends it.
func (h *Handler) serveArchive(ctx context.Context, a *ask, kind archiveKind) reply {
	dir := path.Clean(a.path)
	entries, etag, err := h.collect(ctx, dir)
	switch {
	case errors.Is(err, errTooMany):
		return failure(a, http.StatusRequestEntityTooLarge)
	case ctx.Err() != nil:
		return failure(a, http.StatusServiceUnavailable)
	case err != nil:
		return h.refuse(ctx, a, err)
	}
	n := int64(len(entries))
	if h.archived.Add(n) > maxArchivedAtOnce {
		h.archived.Add(-n)
		return failure(a, http.StatusServiceUnavailable)
	}
	done := func() { h.archived.Add(-n) }
	parts, err := kind.lay(entries)
	if err != nil {
		done()
		return failure(a, http.StatusInternalServerError) // two names that are one in an archive
	}
	name := path.Base(dir)
	if name == "/" {
		name = "archive"
	}
	res := resource{validators: validators{etag: etagWith(etag, kind.word)}}
	res.fields.add("Content-Type", kind.mediaType)
	res.fields.add("Content-Disposition", attachment(name+"."+kind.word))
	res.fields.add("X-Content-Type-Options", "nosniff")
	for _, p := range parts {
		res.body = append(res.body, piece{n: p.Size, open: p.Open, make: p.Bytes})
	}
	if kind.gzip {
		res.gzip(h)
	}
	rep := planFile(a, &res, time.Now())
	rep.done = done
	return rep
}

// gzip turns the body into a stream of the same, compressed. This is another
// representation each time, if only by the version of the encoder.
func (res *resource) gzip(h *Handler) {
	content := res.body
	if res.etag != "" {
		res.etag = "W/" + res.etag
	}
	res.body = nil
	res.stream = encode("gzip", func(ctx context.Context, w io.Writer) error {
		s := sender{h: h, w: w}
		return s.sendBody(ctx, content)
	})
}

// collect lists what is beneath dir and has the right to be seen, and makes a
// tag of it; "" if a file has none. In the archive all of it lies in a directory of
// the same name. What cannot be read is left out, and named in a file at the end:
// it would end each download at the same byte.
func (h *Handler) collect(ctx context.Context, dir string) (entries []archive.Entry, etag string, err error) {
	select { // for a walk keeps a processor busy, and the disk
	case h.walks <- struct{}{}:
		defer func() { <-h.walks }()
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	top := strings.TrimPrefix(path.Base(dir), "/")
	sum, tagged := sha256.New(), true
	var left leftOut
	err = h.tree().Walk(dir, func(rel string, info fs.FileInfo, err error) error {
		switch {
		case err != nil: // a directory that cannot be read: its entry is there already
			return left.add(rel+"/", info, err)
		case ctx.Err() != nil:
			return ctx.Err()
		case h.hides("/"+info.Name()) && info.IsDir():
			return fs.SkipDir
		case h.hides("/" + info.Name()):
			return nil
		case len(entries)+len(left.names) == maxArchived:
			return errTooMany
		}
		e := archive.Entry{Name: path.Join(top, rel), Modified: info.ModTime(), Mode: info.Mode(), Dir: info.IsDir()}
		tag := etagOf(info)
		if !e.Dir {
			name := path.Join(dir, rel)
			if err := h.tree().Readable(name); err != nil {
				return left.add(rel, info, err)
			}
			e.Size = info.Size()
			tagged = tagged && tag != ""
			e.Open = func() (archive.File, error) { return h.reopen(name, tag) }
			e.CRC = func(ctx context.Context) (uint32, error) { return h.checksum32(ctx, name, tag) }
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

// reopen opens a file that had the tag when it was seen. It is the caller's.
func (h *Handler) reopen(name, tag string) (afero.File, error) {
	f, err := h.tree().Open(name)
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

// checksum32 returns the CRC-32 of a file that had the tag.
func (h *Handler) checksum32(ctx context.Context, name, tag string) (uint32, error) {
	f, err := h.reopen(name, tag)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sum, err := h.digests.Sum(ctx, f, digest.CRC32)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(sum), nil
}
