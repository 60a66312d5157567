package ftpd

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/internal/account"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// driver is the tree as one logged-in user may see and change it. Its methods
// take the paths of the library, which are absolute, or arguments as clients
// give them, and return errors without any path: the library sends them to the
// client.
//
// What no command of the library reaches is errors.ErrUnsupported, rather than
// promoted from the tree.
type driver struct {
	session *session
	client  ftpserver.ClientContext
	tree    vfs.Tree
	isRoot  bool // the tree is a directory of this machine: its files open at once
	user    string
	rights  account.Rights
	account Account
	home    func() // closes tree, if it is the user's own; else nil
}

// leaveHome closes the user's own tree, if there is one. d may be nil.
func (d *driver) leaveHome() {
	if d != nil && d.home != nil {
		d.home()
	}
}

var _ interface {
	ftpserver.ClientDriver
	ftpserver.ClientDriverExtensionRemoveDir
} = (*driver)(nil)

var (
	errCurrent = errors.New("is the current directory, or above it")
	errName    = ftpserver.ErrFileNameNotAllowed // reply 553 where the library looks
)

// Stat describes what name leads to.
func (d *driver) Stat(name string) (os.FileInfo, error) { return d.stat(name) }

// Remove removes a file, for DELE; a directory it refuses.
func (d *driver) Remove(name string) error {
	return d.change(account.Delete, name, d.tree.Remove)
}

// RemoveDir removes an empty directory, for RMD, but neither the current one
// nor one above it. One with nothing but what broken uploads have left is
// empty: clients see nothing in it.
func (d *driver) RemoveDir(name string) error {
	if d.isCurrent(name) {
		return errCurrent
	}
	return d.change(account.Delete, name, func(name string) error {
		err := d.tree.RemoveDir(name)
		isFull := errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) // which Windows does not take for the same
		if isFull && upload.ForgetKept(d.tree, name) {
			err = d.tree.RemoveDir(name)
		}
		return err
	})
}

// Mkdir makes a directory, for MKD.
func (d *driver) Mkdir(name string, _ os.FileMode) error {
	return d.change(account.Create, name, func(name string) error {
		return d.tree.Mkdir(name, 0o777&^d.session.content.mask())
	})
}

// Rename moves a file or directory, for RNTO, but not the current directory.
func (d *driver) Rename(oldname, newname string) error {
	if d.isCurrent(oldname) || d.isCurrent(newname) {
		return errCurrent
	}
	return d.change(account.Rename, oldname, func(oldname string) error {
		return d.change(account.Rename, newname, func(newname string) error {
			return uploads.Rename(d.tree, oldname, newname, d.existing())
		})
	})
}

// Name names the kind of file system, as afero wants it.
func (d *driver) Name() string { return d.tree.Name() }

// Open is not used: no command that opens reaches the library.
func (d *driver) Open(string) (afero.File, error) { return nil, errors.ErrUnsupported }

// OpenFile is not used either.
func (d *driver) OpenFile(string, int, os.FileMode) (afero.File, error) {
	return nil, errors.ErrUnsupported
}

// Create is not used either.
func (d *driver) Create(string) (afero.File, error) { return nil, errors.ErrUnsupported }

// MkdirAll would be for SITE MKDIR.
func (d *driver) MkdirAll(string, os.FileMode) error { return errors.ErrUnsupported }

// RemoveAll would be for SITE RMDIR.
func (d *driver) RemoveAll(string) error { return errors.ErrUnsupported }

// Chmod is not used: SITE CHMOD does not reach the library.
func (d *driver) Chmod(string, os.FileMode) error { return errors.ErrUnsupported }

// Chown would be for SITE CHOWN.
func (d *driver) Chown(string, int, int) error { return errors.ErrUnsupported }

// Chtimes is not used: MFMT does not reach the library.
func (d *driver) Chtimes(string, time.Time, time.Time) error { return errors.ErrUnsupported }

// path returns what a client calls name as an absolute, clean path of the tree.
func (d *driver) path(name string) string {
	if !path.IsAbs(name) {
		name = path.Join("/", d.client.Path(), name)
	}
	return path.Clean(name)
}

// stat describes what arg leads to. What is not whole yet is not there.
func (d *driver) stat(arg string) (fs.FileInfo, error) {
	name := d.path(arg)
	if upload.IsPartial(path.Base(name)) {
		return nil, fs.ErrNotExist
	}
	info, err := d.tree.Stat(name)
	return info, bare(err)
}

// look is stat for a client who asks how large and how old a file is: one who
// may list files, or fetch them.
func (d *driver) look(arg string) (fs.FileInfo, error) {
	info, err := d.stat(arg)
	if err == nil && d.rights&account.ReadOnly == 0 {
		return nil, fs.ErrPermission
	}
	return info, err
}

// change lets f change name if the user has that right.
func (d *driver) change(right account.Rights, name string, f func(name string) error) error {
	name = d.path(name)
	if err := d.mayChange(right, name); err != nil {
		return err
	}
	return bare(f(name))
}

// mayChange refuses before the tree would, so that a tree which is writable
// for other reasons stays closed to those who only read.
func (d *driver) mayChange(right account.Rights, name string) error {
	if err := d.may(right); err != nil {
		return err
	}
	if upload.IsPartial(path.Base(name)) {
		return errName
	}
	return nil
}

// may returns an error if the user lacks that right.
func (d *driver) may(right account.Rights) error {
	switch {
	case d.rights.Has(right):
		return nil
	case !account.ReadOnly.Has(right) && d.rights&account.All&^account.ReadOnly == 0:
		return vfs.ErrReadOnly
	}
	return fs.ErrPermission
}

// isCurrent reports whether name is the current directory or one above it.
func (d *driver) isCurrent(name string) bool {
	name = d.path(name)
	current := d.path(".")
	return name == "/" || name == current || strings.HasPrefix(current, name+"/")
}

// kept describes what the user's last upload to arg has left.
func (d *driver) kept(arg string) (fs.FileInfo, error) {
	return upload.Kept(d.tree, d.path(arg), d.user)
}
