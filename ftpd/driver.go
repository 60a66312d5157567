package ftpd

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// access is what a user may do with files.
type access int

const (
	reads  access = iota // and nothing else
	writes               // reads too
)

// driver is the tree as one logged-in user may see and change it. Its methods
// take the paths of the library, which are absolute but for a few that it
// passes as the client gave them, and return errors without any path: the
// library sends them to the client.
//
// What no command of ours reaches is errors.ErrUnsupported, rather than
// promoted from the tree.
type driver struct {
	session *session
	client  ftpserver.ClientContext
	tree    *vfs.Tree
	user    string
	access  access
}

var _ interface {
	ftpserver.ClientDriver
	ftpserver.ClientDriverExtentionFileTransfer
	ftpserver.ClientDriverExtensionFileList
	ftpserver.ClientDriverExtensionRemoveDir
	ftpserver.ClientDriverExtensionAllocate
} = (*driver)(nil)

var (
	errCurrent = errors.New("is the current directory, or above it")
	errName    = ftpserver.ErrFileNameNotAllowed // reply 553 where the library looks
)

// GetHandle opens name for RETR (os.O_RDONLY), APPE (os.O_APPEND) or STOR.
// offset is that of REST. The library closes the handle.
func (d *driver) GetHandle(name string, flags int, offset int64) (ftpserver.FileTransfer, error) {
	t := transfer{session: d.session, begun: time.Now()}
	t.told.Session, t.told.Remote = d.session.id, d.session.remote
	t.told.User, t.told.Op, t.told.Path, t.told.Offset = d.user, Store, d.path(name), offset
	h, err := d.open(t, flags)
	return h, forClient(err)
}

func (d *driver) open(t transfer, flags int) (ftpserver.FileTransfer, error) {
	open := d.openStore
	switch {
	case flags&(os.O_WRONLY|os.O_RDWR) == 0:
		t.told.Op, open = Retrieve, d.openDownload
	case flags&os.O_APPEND != 0:
		t.told.Op, open = Append, d.openAppend
	}
	if err := d.session.openTransfer(); err != nil {
		t.report(err)
		return nil, err
	}
	h, err := open(t)
	if err != nil {
		t.end(err)
		return nil, err // not h: it may be a nil pointer in an interface
	}
	return h, nil
}

// ReadDir lists a directory for LIST, NLST, MLSD and STAT.
func (d *driver) ReadDir(name string) ([]os.FileInfo, error) {
	infos, err := d.tree.ReadDir(d.path(name))
	if err != nil {
		return nil, bare(err)
	}
	entries := make([]os.FileInfo, 0, len(infos))
	for _, info := range infos {
		if !isPartial(info.Name()) {
			entries = append(entries, &entry{info: info, name: printable(info.Name()), named: d.session.listed})
		}
	}
	return entries, nil
}

// Stat describes what name leads to.
func (d *driver) Stat(name string) (os.FileInfo, error) {
	name = d.path(name)
	if isPartial(path.Base(name)) {
		return nil, fs.ErrNotExist
	}
	info, err := d.tree.Stat(name)
	if err != nil {
		return nil, bare(err)
	}
	// Not info.Name(): that of the root is its name on the host.
	return &entry{info: info, name: printable(path.Base(name)), named: func() {}}, nil
}

// Remove removes a file, for DELE; a directory it refuses, and so DELE without
// an argument, which the library takes for the current one.
func (d *driver) Remove(name string) error {
	return d.change(name, d.tree.Remove)
}

// RemoveDir removes an empty directory, for RMD, but neither the current one,
// which RMD without an argument means, nor one above it.
func (d *driver) RemoveDir(name string) error {
	if d.isCurrent(name) {
		return errCurrent
	}
	return d.change(name, d.tree.RemoveDir)
}

// Mkdir makes a directory, for MKD.
func (d *driver) Mkdir(name string, perm os.FileMode) error {
	return d.change(name, func(name string) error { return d.tree.Mkdir(name, perm) })
}

// Chtimes sets the time of a file or directory, for MFMT.
func (d *driver) Chtimes(name string, atime, mtime time.Time) error {
	return d.change(name, func(name string) error {
		if _, err := d.tree.Stat(name); err != nil { // special files do not exist for a client
			return err
		}
		return d.tree.Chtimes(name, atime, mtime)
	})
}

// Rename moves a file or directory, for RNTO, but not the current directory,
// which both commands mean without an argument.
func (d *driver) Rename(oldname, newname string) error {
	if d.isCurrent(oldname) || d.isCurrent(newname) {
		return errCurrent
	}
	return d.change(oldname, func(oldname string) error {
		return d.change(newname, func(newname string) error { return d.tree.Rename(oldname, newname) })
	})
}

// AllocateSpace answers ALLO, which needs nothing here (RFC 959, 4.1.3).
func (d *driver) AllocateSpace(int) error { return nil }

// Name names the kind of file system, as afero wants it.
func (d *driver) Name() string { return d.tree.Name() }

// Open is not used: ReadDir and GetHandle open.
func (d *driver) Open(string) (afero.File, error) { return nil, errors.ErrUnsupported }

// OpenFile is not used: GetHandle opens.
func (d *driver) OpenFile(string, int, os.FileMode) (afero.File, error) {
	return nil, errors.ErrUnsupported
}

// Create is not used: GetHandle creates.
func (d *driver) Create(string) (afero.File, error) { return nil, errors.ErrUnsupported }

// MkdirAll would be for SITE MKDIR.
func (d *driver) MkdirAll(string, os.FileMode) error { return errors.ErrUnsupported }

// RemoveAll would be for SITE RMDIR.
func (d *driver) RemoveAll(string) error { return errors.ErrUnsupported }

// Chmod would be for SITE CHMOD.
func (d *driver) Chmod(string, os.FileMode) error { return errors.ErrUnsupported }

// Chown would be for SITE CHOWN.
func (d *driver) Chown(string, int, int) error { return errors.ErrUnsupported }

// path returns name as an absolute, clean path of the tree.
func (d *driver) path(name string) string {
	if !path.IsAbs(name) {
		name = path.Join("/", d.client.Path(), name)
	}
	return path.Clean(name)
}

// change lets f change name if the user may.
func (d *driver) change(name string, f func(name string) error) error {
	name = d.path(name)
	if err := d.mayWrite(name); err != nil {
		return err
	}
	return bare(f(name))
}

// mayWrite refuses before the tree would, so that a tree which is writable for
// other reasons stays closed to those who only read.
func (d *driver) mayWrite(name string) error {
	if d.access != writes {
		return vfs.ErrReadOnly
	}
	if isPartial(path.Base(name)) {
		return errName
	}
	return nil
}

// isCurrent reports whether name is the current directory or one above it.
func (d *driver) isCurrent(name string) bool {
	name = d.path(name)
	current := d.path(".")
	return name == "/" || name == current || strings.HasPrefix(current, name+"/")
}
