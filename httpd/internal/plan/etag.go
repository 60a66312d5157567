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
	"sluice/internal/residence"
)

// How old the time of modification of a file must be for its tag to be strong, and more: until then the file may change
// again without another time.
const (
	tagAge     = 2 * time.Second        // the longest interval of the clock of a file system, FAT's
	fineTagAge = 100 * time.Millisecond // of the clock of Linux, 10 ms at most, and much more: a write(2) of 100 MB has the time of its beginning
)

// saysNothing reports whether a time of modification is no information: package managers such as those of Nix and OSTree
// give all files second 0 or 1, and embedded files have none.
func saysNothing(modified time.Time) bool { return modified.Unix() <= 1 }

// settles returns when the validators of a file become what they stay until it changes. Zero: they are that already.
func settles(modified time.Time) time.Time {
	if saysNothing(modified) {
		return time.Time{}
	}
	return modified.Add(tagAge)
}

// ageOf returns how old the time of modification of a file must be. One that is no whole number of milliseconds is from the
// clock of the kernel, if the file system is one of this host: those with a coarser clock have none such. It may also be
// one that a program has set, of which its age says nothing, as of any other.
func ageOf(where residence.Residence, modified time.Time) time.Duration {
	if where.IsLocal() && modified.Nanosecond()%int(time.Millisecond) != 0 {
		return fineTagAge
	}
	return tagAge
}

// tagOf returns the entity tag (RFC 9110, 8.8.3) that a file has once it is settled: its size and its time of
// modification in nanoseconds, so that a copy of it on another server has the same tag. TreeTag keeps the files of
// different users apart. A file system that has tags of its own, as an object store, decides instead (fileid.StoredTag).
// If the time says nothing, the inode and the time of the last change take its place, and the tag is weak; it is "" where
// the system does not report these.
func (p *Planner) tagOf(info fs.FileInfo) string {
	b := make([]byte, 0, 64)
	id := fileid.OfInfo(info)
	stored := fileid.StoredTag(info)
	switch timeless := saysNothing(info.ModTime()); {
	case stored != "":
		b = append(b, strings.TrimSuffix(stored, `"`)...)
	case timeless && !id.Known():
		return ""
	case timeless:
		b = append(b, `W/"`...)
		b = strconv.AppendInt(b, info.Size(), 36)
		b = strconv.AppendUint(append(b, '-'), id.Inode, 36)
		b = strconv.AppendInt(append(b, '-'), id.Changed, 36)
	default:
		b = append(b, '"')
		b = strconv.AppendInt(b, info.Size(), 36)
		b = strconv.AppendInt(append(b, '-'), info.ModTime().UnixNano(), 36)
	}
	if p.TreeTag != "" {
		b = append(append(b, '-'), p.TreeTag...)
	}
	return string(append(b, '"'))
}

// weakened returns the tag that a file in a file system there has at the time now: a weak one, with which no download is
// resumed (RFC 9110, 13.1.5), unless it was modified long enough before. A tag of a store is another one after each change.
func weakened(tag string, where residence.Residence, info fs.FileInfo, now time.Time) string {
	modified := info.ModTime()
	if tag == "" || strings.HasPrefix(tag, "W/") || now.Sub(modified) > ageOf(where, modified) || fileid.StoredTag(info) != "" {
		return tag
	}
	return "W/" + tag
}

// version identifies a version of a file on this host, for us alone: unlike its tag it differs if another file of the
// same size and time has taken the name, and after a change of attributes.
type version struct {
	size, modified, changed int64
	inode                   uint64
	stored                  string // as fileid.StoredTag
}

func versionOf(info fs.FileInfo) version {
	id := fileid.OfInfo(info)
	return version{id.Size, id.Modified, id.Changed, id.Inode, fileid.StoredTag(info)}
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

// etag returns the entity tag that a file has at the time now, made of its content if ContentETags is set. If that fails,
// isMakeshift is true, and the tag is that of the state of the file on the disk.
func (p *Planner) etag(ctx context.Context, party budget.Party, f *filecache.File, known *facts, now time.Time) (etag string, isMakeshift bool) {
	tag, failed := p.contentTag(ctx, party, f, known)
	if tag != "" {
		return tag, false
	}
	return weakened(known.etag, f.Residence, f.Info, now), failed
}

// strongETag is etag of a file about which it is asked for a change of it. It does not matter then that the tag is
// weak for the first seconds: a client must be able to change what it has just stored, if nobody else has.
func (p *Planner) strongETag(ctx context.Context, party budget.Party, f *filecache.File, known *facts) string {
	if tag, _ := p.contentTag(ctx, party, f, known); tag != "" {
		return tag
	}
	return known.etag
}

// contentTag returns the entity tag that is made of the content of a file; "": none is, or that has failed.
func (p *Planner) contentTag(ctx context.Context, party budget.Party, f *filecache.File, known *facts) (etag string, failed bool) {
	if !p.ContentETags || f.Info.Size() > maxTagged || fileid.StoredTag(f.Info) != "" {
		return "", false
	}
	if tag := known.contentTag.Load(); tag != nil {
		return *tag, false
	}
	now := time.Now() // before the file is read
	isImpatient := party.Waits != nil && party.Waits.Most > 0
	if isImpatient && now.UnixNano() < known.tagAfter.Load() {
		return "", true
	}
	sum, err := p.sum(ctx, party, f, digest.SHA256)
	if err != nil {
		if errors.Is(err, budget.ErrTooLong) || budget.IsRefusal(err) {
			known.tagAfter.Store(now.Add(tagPause).UnixNano())
		}
		return "", true
	}
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
	if id := fileid.OfInfo(f.Info); id.Known() && id.Settled(now) {
		known.contentTag.Store(&tag)
	}
	return tag, false
}

// readsForTag reports whether etag may read the file.
func (p *Planner) readsForTag(f *filecache.File, known *facts) bool {
	return p.ContentETags && f.Info.Size() <= maxTagged && fileid.StoredTag(f.Info) == "" && known.contentTag.Load() == nil
}

// etagWith returns the tag of content that is derived from a file; "" if the file
// has none.
func etagWith(tag, derivation string) string {
	if tag == "" {
		return ""
	}
	return strings.TrimSuffix(tag, `"`) + "-" + derivation + `"`
}
