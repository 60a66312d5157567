package upload

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// Atomic is implemented by a file system in which a file can appear whole under its name or not at all. A *vfs.Root is
// one; vfs.Of passes the methods of any other on. In the place of a method that returns [errors.ErrUnsupported], and of
// all of them where there are none, the plain methods of afero do: OpenFile with O_EXCL, Sync, Rename and Remove.
//
// Besides, Chmod and Stat are called with the name temp if a file is replaced, and Rename if an upload that broke off is
// to be kept. All methods are called from many goroutines at once.
type Atomic interface {
	// CreateUpload creates the file temp, which is not there, and opens it for writing at any offset. The names of
	// such files are those of package partial, in the directory of what they are to become. They need not be in listings.
	CreateUpload(temp string, perm fs.FileMode) (afero.File, error)

	// SyncUpload returns when all that was written to f would survive a crash. f is open, and stays so. It comes from
	// CreateUpload or, if the upload was resumed or is added to its target, from OpenFile; where that has returned a
	// file with a method OSFile() *os.File, f is that *os.File.
	SyncUpload(f afero.File) error

	// CommitUpload gives temp, which is closed, the name target. From then on target is that file, for everybody at
	// once, and temp is no more; before, and after an error, it is what it was. An upload that was resumed has got
	// the name temp by Rename.
	CommitUpload(temp, target string) error

	// AbortUpload removes temp, which is closed.
	AbortUpload(temp string) error
}

var _ Atomic = (*vfs.Root)(nil)

// create, syncFile, commit and remove are the methods of Atomic for any tree.

func create(tree vfs.Tree, temp string, perm fs.FileMode) (afero.File, error) {
	if a, ok := tree.(Atomic); ok {
		f, err := a.CreateUpload(temp, perm)
		if !errors.Is(err, errors.ErrUnsupported) {
			return f, err
		}
	}
	return tree.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
}

func syncFile(tree vfs.Tree, f afero.File) error {
	if a, ok := tree.(Atomic); ok {
		if err := a.SyncUpload(f); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return f.Sync()
}

func commit(tree vfs.Tree, temp, target string) error {
	if a, ok := tree.(Atomic); ok {
		if err := a.CommitUpload(temp, target); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return tree.Rename(temp, target)
}

func remove(tree vfs.Tree, temp string) error {
	if a, ok := tree.(Atomic); ok {
		if err := a.AbortUpload(temp); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return tree.Remove(temp)
}
