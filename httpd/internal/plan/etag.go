package plan

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"sluice/internal/budget"
	"sluice/internal/digest"
	"sluice/internal/filecache"
	"sluice/internal/fileid"
)

// etagOf returns a strong entity tag (RFC 9110, 8.8.3) that changes with every
// change of the file: its size and its time of modification in nanoseconds
// and, where the system provides them, its inode and its time of change, which
// no program can set back. It is "" where the time means nothing, as for
// embedded files: another file of the same size would have the same tag.
func etagOf(info fs.FileInfo) string {
	id := fileid.OfInfo(info)
	if !id.Known() && info.ModTime().Unix() <= 1 {
		return ""
	}
	b := make([]byte, 0, 64)
	b = append(b, '"')
	b = strconv.AppendInt(b, info.Size(), 36)
	b = append(b, '-')
	b = strconv.AppendInt(b, info.ModTime().UnixNano(), 36)
	if id.Known() {
		b = append(b, '-')
		b = strconv.AppendUint(b, id.Inode, 36)
		b = append(b, '-')
		b = strconv.AppendInt(b, id.Changed, 36)
	}
	b = append(b, '"')
	return string(b)
}

// maxTagged is the size of the largest file whose tag is made of its content: the
// first client would wait too long for larger ones.
const maxTagged = 64 << 20

const (
	// tagPatience is how long the response with a file waits for others before it goes
	// without the tag that is made of the content.
	tagPatience = 500 * time.Millisecond

	// tagPause is how long the next responses do not even try then.
	tagPause = 5 * time.Second
)

// etag returns the entity tag of a file, made of its content if ContentETags is set. If
// that fails, isMakeshift is true, and the tag is that of the state of the file on the disk.
func (p *Planner) etag(ctx context.Context, party budget.Party, f *filecache.File, known *facts) (etag string, isMakeshift bool) {
	if !p.ContentETags || f.Info.Size() > maxTagged {
		return known.etag, false
	}
	if tag := known.contentTag.Load(); tag != nil {
		return *tag, false
	}
	now := time.Now() // before the file is read
	isImpatient := party.Waits != nil && party.Waits.Most > 0
	if isImpatient && now.UnixNano() < known.tagAfter.Load() {
		return known.etag, true
	}
	sum, err := p.sum(ctx, party, f, digest.SHA256)
	if err != nil {
		if errors.Is(err, budget.ErrTooLong) || budget.IsRefusal(err) {
			known.tagAfter.Store(now.Add(tagPause).UnixNano())
		}
		return known.etag, true
	}
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
	if id := fileid.OfInfo(f.Info); id.Known() && id.Settled(now) {
		known.contentTag.Store(&tag)
	}
	return tag, false
}

// readsForTag reports whether etag may read the file.
func (p *Planner) readsForTag(f *filecache.File, known *facts) bool {
	return p.ContentETags && f.Info.Size() <= maxTagged && known.contentTag.Load() == nil
}

// etagWith returns the tag of content that is derived from a file; "" if the file
// has none.
func etagWith(tag, derivation string) string {
	if tag == "" {
		return ""
	}
	return strings.TrimSuffix(tag, `"`) + "-" + derivation + `"`
}
