package vfs

import (
	"io"
	"io/fs"
	"os"

	"github.com/spf13/afero"

	"sluice/internal/fileid"
)

// opener opens files and directories beneath one directory.
type opener interface {
	// open opens a path that local made. The file's name is that path with slashes; anything but a regular file
	// or a directory is ErrSpecial. Nothing stays open on error. The error may be wrapped in any way.
	open(path string, flag int, perm fs.FileMode) (*os.File, error)
	// openDir opens the directory at a path that local made, to list it. What is no directory is ENOTDIR.
	openDir(path string) (directory, error)
	// readable returns why the file at a path that local made cannot be opened for reading.
	readable(path string) error
	// identify returns the state of the file at a path that local made, or errors.ErrUnsupported.
	identify(path string) (fileid.ID, error)
	io.Closer
}

// writing holds each flag that changes the file, or that makes no sense but for a change.
const writing = os.O_WRONLY | os.O_RDWR | os.O_CREATE | os.O_TRUNC | os.O_APPEND

// File opens name with the flags of [os.OpenFile]; perm, cut by the umask, is the mode of a file that is created.
// The caller closes the file.
//
// What is written to the file is no change that [Generation] counts, before the writer calls [CountChange].
//
// The file's Name is the cleaned name, without a leading slash. To list a directory use [Root.ReadDir] or the
// file's Readdir and Readdirnames. Its ReadDir gives fs.DirEntry values, and their Info looks that name up in the
// working directory of the process: os offers no way to tell it better.
func (t *Root) File(name string, flag int, perm fs.FileMode) (*os.File, error) {
	if flag&writing != 0 && !t.writable {
		return nil, t.pathError("open", name, ErrReadOnly)
	}
	if perm != perm.Perm() {
		return nil, t.pathError("open", name, errMode)
	}
	path, err := localPath(name)
	if err != nil {
		return nil, t.pathError("open", name, err)
	}
	f, err := t.shared.opener.open(path, flag, perm)
	if flag&(os.O_CREATE|os.O_TRUNC) != 0 {
		CountChange()
	}
	if err != nil {
		return nil, t.pathError("open", name, err)
	}
	return f, nil
}

// OpenFile is [Root.File] for callers that speak afero. The file is always an [*os.File], so that zero-copy
// transfers are not lost behind the interface.
func (t *Root) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	f, err := t.File(name, flag, perm)
	if err != nil {
		return nil, err // not f: a nil *os.File in an interface is not nil
	}
	return f, nil
}

// Open opens name for reading. The file is always an [*os.File].
func (t *Root) Open(name string) (afero.File, error) {
	return t.OpenFile(name, os.O_RDONLY, 0)
}

// Create creates or truncates name and opens it for reading and writing. The file is always an [*os.File].
func (t *Root) Create(name string) (afero.File, error) {
	return t.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}
