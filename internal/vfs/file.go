package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/afero"

	"sluice/internal/fileid"
)

// opener opens files and directories beneath one directory. Paths are results of localPath.
type opener interface {
	// open opens a path, with that path with slashes as the name of the file. Anything but a regular file or a
	// directory is ErrSpecial. The error may contain paths of the host.
	open(path string, flag int, perm fs.FileMode) (*os.File, error)
	// openReal opens a path in which no element is a link, for reading. If one has become a link, the error is ELOOP
	// if the system can refuse to follow it; else it is followed.
	openReal(path string) (*os.File, error)
	// openDir opens a directory to list it. Anything else is ENOTDIR.
	openDir(path string) (directory, error)
	// readable returns nil if a file can be opened for reading, else the reason.
	readable(path string) error
	// identify returns the state of a file, or errors.ErrUnsupported.
	identify(path string) (fileid.ID, error)
	io.Closer
}

// errCrosses means that an opener would have to go to another mount, which it was not to.
var errCrosses = errors.New("another mount")

// writing holds all flags that change the file or are for changing it.
const writing = os.O_WRONLY | os.O_RDWR | os.O_CREATE | os.O_TRUNC | os.O_APPEND

// File opens name with the flags of [os.OpenFile]. perm is the mode of a file that is created; the umask applies. The
// caller closes the file.
//
// A caller that writes to the file calls [CountChange] after the last write.
//
// The file's Name is the cleaned name, without a leading slash. To list a directory use [Root.ReadDir] or the
// file's Readdir and Readdirnames. The Info of entries from its ReadDir does not work: package os looks the name up in
// the working directory of the process.
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

// OpenFile is [Root.File] for afero.Fs. The file is always an [*os.File], so that zero-copy transfers stay possible.
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
