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
	// CreateUpload creates the file temp, which must not exist, and opens it for writing at any offset, or at its end if
	// the file system can no more. Its name is one of package partial, in the directory of the target. It need not appear
	// in listings. CommitUpload follows with the same target, unless that is "": then it is not known yet.
	CreateUpload(temp, target string, perm fs.FileMode) (afero.File, error)

	// SyncUpload returns when all bytes written to f would survive a crash. f is open and stays open. It comes from
	// CreateUpload, or from OpenFile if the upload was resumed or appends to its target. If that file has a method
	// OSFile() *os.File, f is its result.
	SyncUpload(f afero.File) error

	// CommitUpload atomically renames temp, which is closed, to target. After an error target is unchanged. A resumed
	// upload has got the name temp by Rename, and a [Resumable] by OpenFile. The flag os.O_EXCL says that no file is to
	// be replaced: none was there a moment ago, and a file system that can make sure returns fs.ErrExist otherwise.
	CommitUpload(temp, target string, flag int) error

	// AbortUpload removes temp, which is closed.
	AbortUpload(temp string) error
}

var _ Atomic = (*vfs.Root)(nil)

// persistent is implemented by an Atomic file system that several servers share, such as an object store. If its method
// returns true:
//
//   - CommitUpload, and Rename to another hidden name, return when the file would survive a crash of any server. SyncUpload
//     is not called before.
//   - After SyncUpload any server can open temp to continue the upload, and CommitUpload and AbortUpload work there. So a
//     [Resumable] is made by CreateUpload, as every other upload.
//   - The size of an upload, as of Stat, is that of bytes which survive.
//   - A file that is written by OpenFile replaces the old one when it is closed, as a whole.
//   - IsAbandonedUpload reports whether the server that has made or opened temp has crashed. It stands in for the locks of
//     files, and is sure some time after the crash.
type persistent interface {
	PersistentUploads() bool
	IsAbandonedUpload(temp string) bool
}

// persistentAt returns the file system that has the file name, and its name there, if the methods of persistent may be
// relied on.
func persistentAt(tree vfs.Tree, name string) (p persistent, inTree string, ok bool) {
	tree, inTree = vfs.Unjoined(tree, name)
	p, ok = tree.(persistent)
	return p, inTree, ok && p.PersistentUploads()
}

// isPersistent reports whether that is the case.
func isPersistent(tree vfs.Tree, name string) bool {
	_, _, ok := persistentAt(tree, name)
	return ok
}

// create, syncFile, commit and remove call the methods of Atomic, or their replacements, for any tree.

func create(tree vfs.Tree, temp, target string, perm fs.FileMode) (afero.File, error) {
	if a, ok := tree.(Atomic); ok {
		f, err := a.CreateUpload(temp, target, perm)
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

func commit(w Writer, temp, target string) error {
	tree, flag := w.Tree, 0
	if w.Existing != Replace {
		flag = os.O_EXCL
	}
	if a, ok := tree.(Atomic); ok {
		if err := a.CommitUpload(temp, target, flag); !errors.Is(err, errors.ErrUnsupported) {
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
