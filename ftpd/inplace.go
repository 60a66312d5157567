package ftpd

import (
	"io/fs"
	"os"
	"slices"
	"sync"
)

// inPlace are the files that transfers write into without a file of their own.
// Two at once would mix: each writes at offsets it has computed before. Files
// are told apart by what they are, not by name, since a link is another name.
type inPlace struct {
	mu    sync.Mutex // guards the field below
	files []fs.FileInfo
}

// claim reports whether f is the caller's alone now, until release.
func (p *inPlace) claim(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.indexLocked(info) >= 0 {
		return false
	}
	p.files = append(p.files, info)
	return true
}

// release ends a claim. f must still be open.
func (p *inPlace) release(f *os.File) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.indexLocked(info); i >= 0 {
		p.files = slices.Delete(p.files, i, i+1)
	}
}

func (p *inPlace) indexLocked(info fs.FileInfo) int {
	return slices.IndexFunc(p.files, func(other fs.FileInfo) bool { return os.SameFile(info, other) })
}
