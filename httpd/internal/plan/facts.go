package plan

import (
	"sync/atomic"

	"sluice/internal/filecache"
)

// facts caches values derived from a file: media type, entity tag, rendered
// header. It is kept as filecache.File.Extra.
type facts struct {
	mediaType string
	etag      string // by tagOf, of its state on the disk
	modified  string // for Last-Modified

	// Responses share these, so nothing may change them.
	fields Header // Content-Type, and the other that each response with the file has
	body   Body   // the whole file

	// contentTag is the entity tag by Config.ContentETags; nil: not computed yet.
	contentTag atomic.Pointer[string]

	// tagAfter is the time, as Unix ns, before which responses do not wait for contentTag
	// again, because one has waited in vain.
	tagAfter atomic.Int64

	// head is the beginning of the head of a plain response, which is always the
	// same; nil: not rendered yet.
	head atomic.Pointer[string]
}

// factsOf returns the facts about the file at name.
func (p *Planner) factsOf(name string, f *filecache.File) *facts {
	if known, ok := f.Extra.Load().(*facts); ok {
		return known
	}
	mediaType, isKnown := p.mediaType(name, f)
	fresh := &facts{
		mediaType: mediaType, etag: p.tagOf(f.Info), modified: FormatDate(f.Info.ModTime()),
		body: Body{filePiece(f)},
	}
	fresh.fields = Header{{"Content-Type", fresh.mediaType}, {"X-Content-Type-Options", "nosniff"}}
	if !isKnown {
		return fresh
	}
	f.Extra.Store(fresh) // of two that are stored at the same time one stays, and both are equal
	return fresh
}
