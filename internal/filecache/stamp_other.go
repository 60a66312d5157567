//go:build !unix

package filecache

import (
	"io/fs"
	"os"
	"time"
)

// stamp is by what a change of a file is told.
type stamp struct{ info fs.FileInfo }

func stampOf(f *os.File) (stamp, error) {
	info, err := f.Stat()
	return stamp{info}, err
}

func (s stamp) equals(o stamp) bool {
	return os.SameFile(s.info, o.info) && s.info.Size() == o.info.Size() &&
		s.info.Mode() == o.info.Mode() && s.info.ModTime().Equal(o.info.ModTime())
}

// changed returns when the file was changed last.
func (s stamp) changed() time.Time { return s.info.ModTime() }
