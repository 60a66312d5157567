package httpd

import (
	"sync/atomic"

	"sluice/internal/filecache"
)

// facts are what was found out about a file once and holds as long as the file
// does. They are kept with it, as filecache.File.Extra.
type facts struct {
	mediaType string
	etag      string // of its state
	modified  string // as HTTP says it

	// head is the part of the head of a plain response that stays the same; nil:
	// none was made yet.
	head atomic.Pointer[string]
}

// factsOf returns the facts about the file at name.
func factsOf(name string, f *filecache.File) *facts {
	if known, ok := f.Extra.Load().(*facts); ok {
		return known
	}
	fresh := &facts{mediaType: mediaType(name, f), etag: etagOf(f.Info), modified: formatDate(f.Info.ModTime())}
	f.Extra.Store(fresh) // of two at once one is kept, and says the same
	return fresh
}
