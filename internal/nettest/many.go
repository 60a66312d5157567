package nettest

import (
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/spf13/afero"
)

// ManyFiles is a file system in memory whose directory /many has N empty files, and as many that are hidden. They are made
// up while the directory is read.
type ManyFiles struct {
	afero.Fs
	N int

	// Broken, if it is not nil, is the error of reading /many by names, and otherwise after that number of entries.
	Broken      error
	BrokenAfter int

	made atomic.Int64
}

// Made returns how many entries were made up.
func (m *ManyFiles) Made() int64 { return m.made.Load() }

// NewManyFiles returns a ManyFiles with n files, and the file /few/f.
func NewManyFiles(n int) *ManyFiles {
	m := &ManyFiles{Fs: afero.NewMemMapFs(), N: n}
	for _, name := range []string{"/many/.empty", "/few/f"} {
		_ = afero.WriteFile(m.Fs, name, nil, 0o644) // it never fails in memory
	}
	return m
}

// ManyFile returns the name of the file with that number in /many.
func ManyFile(i int) string { return fmt.Sprintf("file-%07d.bin", i) }

// Open opens a file or directory.
func (m *ManyFiles) Open(name string) (afero.File, error) {
	f, err := m.Fs.Open(name)
	if err == nil && name == "/many" {
		f = &manyDir{File: f, many: m, left: 2 * m.N}
	}
	return f, err
}

// manyDir is the open directory /many.
type manyDir struct {
	afero.File
	many *ManyFiles
	left int
	read int // entries that were asked for
}

// Readdir returns the next n entries, or all others.
func (d *manyDir) Readdir(n int) (infos []fs.FileInfo, err error) {
	if d.read += n; d.many.Broken != nil && d.read > d.many.BrokenAfter {
		return nil, d.many.Broken
	}
	if n > 0 && d.left == 0 {
		return nil, io.EOF
	}
	for ; d.left > 0 && (n <= 0 || len(infos) < n); d.left-- {
		name := ManyFile(d.left / 2)
		if d.left%2 == 1 {
			name = ".hidden-" + name
		}
		infos = append(infos, manyInfo(name))
	}
	d.many.made.Add(int64(len(infos)))
	return infos, nil
}

// Readdirnames returns the names of what Readdir returns.
func (d *manyDir) Readdirnames(n int) (names []string, err error) {
	if d.many.Broken != nil {
		return nil, d.many.Broken
	}
	infos, err := d.Readdir(n)
	for _, fi := range infos {
		names = append(names, fi.Name())
	}
	return names, err
}

// manyInfo describes the file of that name.
type manyInfo string

func (i manyInfo) Name() string     { return string(i) }
func (manyInfo) Size() int64        { return 0 }
func (manyInfo) Mode() fs.FileMode  { return 0o644 }
func (manyInfo) ModTime() time.Time { return time.Unix(1_700_000_000, 0) }
func (manyInfo) IsDir() bool        { return false }
func (manyInfo) Sys() any           { return nil }
