package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"sluice/internal/fileid"
)

// osRootOpener opens files with os.Root: one openat(2) for each element of the path. It works on every system.
type osRootOpener struct{ root *os.Root }

func (o osRootOpener) open(path string, flag int, perm fs.FileMode) (*os.File, error) {
	f, err := o.root.OpenFile(path, flag|openFlags, perm)
	if err != nil {
		return nil, specialError(err)
	}
	// The file has its path on the host as its name, which its errors would show to clients.
	defer f.Close()
	return reopen(f, filepath.ToSlash(path), flag)
}

// readable opens and closes the file.
// openReal follows links: package os has no way to refuse them.
func (o osRootOpener) openReal(path string) (*os.File, error) { return o.open(path, os.O_RDONLY, 0) }

func (o osRootOpener) readable(path string) error {
	f, err := o.open(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// identify is unsupported: it would cost as much as opening the file.
func (o osRootOpener) identify(string) (fileid.ID, error) { return fileid.ID{}, errors.ErrUnsupported }

// Close does nothing: Root.Close closes the os.Root.
func (o osRootOpener) Close() error { return nil }
