package upload

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// Atomic is implemented by file systems in which a file becomes visible atomically. *vfs.Root implements it, and vfs.Of
// passes on the methods of other file systems. If they are missing, or one returns [errors.ErrUnsupported], methods of
// afero are used instead: OpenFile with O_EXCL, Sync, Rename and Remove.
//
// In addition, Chmod and Stat are called with the name temp if a file is replaced, and Rename if a failed upload is kept.
// All methods must be safe for concurrent use.
type Atomic interface {
	// CreateUpload creates the file temp, which must not exist, and opens it for writing at any offset. Its name is one
	// of package partial, in the directory of the target. It need not appear in listings.
	CreateUpload(temp string, perm fs.FileMode) (afero.File, error)

	// SyncUpload returns when all bytes written to f would survive a crash. f is open and stays open. It comes from
	// CreateUpload, or from OpenFile if the upload was resumed or appends to its target. If that file has a method
	// OSFile() *os.File, f is its result.
	SyncUpload(f afero.File) error

	// CommitUpload atomically renames temp, which is closed, to target. After an error target is unchanged. A resumed
	// upload has got the name temp by Rename, and a [Resumable] by OpenFile.
	CommitUpload(temp, target string) error

	// AbortUpload removes temp, which is closed.
	AbortUpload(temp string) error
}

var _ Atomic = (*vfs.Root)(nil)

// create, syncFile, commit and remove call the methods of Atomic, or their replacements, for any tree.

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
