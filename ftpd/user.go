package ftpd

import (
	"io/fs"
	"syscall"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd/internal/list"
	"sluice/internal/account"
	"sluice/internal/durable"
	"sluice/internal/partial"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// user is who has logged in: what it sees, and what it may do there. Its methods
// take absolute, clean paths of its tree.
type user struct {
	account Account
	name    string // how hooks, limits and kept uploads know it
	rights  account.Rights
	tree    vfs.Tree
	isRoot  bool   // the tree is a directory of this machine: its files open at once
	home    func() // closes tree, if it is the user's own; else nil
	ext     extensions
	disk    durable.Policy // of what it changes
}

// errName is for names that no file can have here.
var errName = ftpserver.ErrFileNameNotAllowed

// newUser returns the user of an account, who has logged in as name and changes files
// as disk says. The caller closes it.
func newUser(a *Account, name string, disk durable.Policy) (*user, error) {
	if vfs.IsNil(a.FS) {
		return nil, errNoFS
	}
	if a.Name != "" {
		name = a.Name
	}
	u := &user{account: *a, name: name, rights: a.Rights, tree: vfs.Of(a.FS), disk: disk}
	if a.Home != "" {
		home, leave, err := vfs.Sub(u.tree, a.Home)
		if err != nil {
			return nil, err
		}
		u.tree, u.home = home, leave
	}
	if root, ok := u.tree.(*vfs.Root); ok {
		u.isRoot = true
		if !root.CanWrite() { // or facts would tell rights that the Root refuses
			u.rights &= ReadOnly | Who
		}
	}
	return u, nil
}

// close closes the user's own tree, if there is one. u may be nil.
func (u *user) close() {
	if u != nil && u.home != nil {
		u.home()
	}
}

// maySee returns an error if the user may do nothing with files. Nothing is told then of
// which there are.
func (u *user) maySee() error {
	if u.rights&account.All == 0 {
		return fs.ErrPermission
	}
	return nil
}

// conceals reports whether a name is not there for the user: that of an upload which is
// not whole yet, or a hidden one.
func (u *user) conceals(name string) bool {
	return partial.IsIn(name) || u.account.HideDotFiles && vfs.IsHidden(name)
}

// stat describes what name leads to, unless it is concealed.
func (u *user) stat(name string) (fs.FileInfo, error) {
	if err := u.maySee(); err != nil {
		return nil, err
	}
	if u.conceals(name) {
		return nil, fs.ErrNotExist
	}
	info, err := u.tree.Stat(name)
	return info, bare(err)
}

// entry describes name itself, unless it is concealed.
func (u *user) entry(name string) (list.Item, error) {
	if err := u.maySee(); err != nil {
		return list.Item{}, err
	}
	if u.conceals(name) {
		return list.Item{}, fs.ErrNotExist
	}
	info, err := u.tree.Entry(name)
	if err != nil {
		return list.Item{}, bare(err)
	}
	return itemOf(info), nil
}

// look is stat for a client who asks how large and how old a file is.
func (u *user) look(name string) (fs.FileInfo, error) {
	if err := u.mayLook(); err != nil {
		return nil, err
	}
	return u.stat(name)
}

// mayLook returns an error unless the user may list files, or fetch them.
func (u *user) mayLook() error {
	if u.rights&account.ReadOnly == 0 {
		return fs.ErrPermission
	}
	return nil
}

// readDir describes all that is in a directory and not concealed.
func (u *user) readDir(name string) ([]list.Item, error) {
	entries, err := u.entries(name)
	if err != nil {
		return nil, bare(err)
	}
	items := make([]list.Item, 0, len(entries))
	for _, info := range entries {
		if !u.conceals(info.Name()) {
			items = append(items, itemOf(info))
		}
	}
	return items, nil
}

// itemOf returns what Entry or Entries of a vfs.Tree has said, under its own name.
func itemOf(info fs.FileInfo) list.Item {
	it := list.Item{Info: info, Name: info.Name()}
	if link, ok := info.(*vfs.Link); ok {
		it.Info, it.Link = link.FileInfo, &list.Link{Target: link.Target, End: link.End}
	}
	return it
}

// openWhole opens a regular file, and returns its size. The caller closes it.
// What is concealed is not there.
func (u *user) openWhole(name string) (afero.File, int64, error) {
	if err := u.may(account.Read); err != nil {
		return nil, 0, err
	}
	if u.conceals(name) {
		return nil, 0, fs.ErrNotExist
	}
	f, err := u.tree.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = syscall.EISDIR
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// kept describes what the user's last upload to name has left.
func (u *user) kept(name string) (fs.FileInfo, error) { return uploads.Kept(u.writer(), name) }

// forget removes that, if the user may give the name to something else.
func (u *user) forget(name string) {
	if u.may(account.Rename) == nil {
		uploads.DiscardKept(u.writer(), name)
	}
}

// existing says whether the user may replace files.
func (u *user) existing() upload.Existing {
	if u.rights.Has(account.Change) {
		return upload.Replace
	}
	return upload.Leave
}

// writer is who changes files for the user. Where a driver opens files itself, nothing
// that an upload has left is ours.
func (u *user) writer() upload.Writer {
	w := upload.Writer{Tree: u.tree, Owner: u.name, Existing: u.existing(), Disk: u.disk}
	if u.ext.open != nil {
		w.Owner = ""
	}
	return w
}

// remove removes a file, a link itself, or a special file; a directory it refuses.
func (u *user) remove(name string) error {
	return u.change(account.Delete, name, func(name string) error { return uploads.Remove(u.writer(), name, u.tree.Remove) })
}

// removeDir removes an empty directory. A link is removed itself, never what it leads
// to: clients that do not know links take one to a directory for that, and could not
// finish otherwise.
func (u *user) removeDir(name string) error {
	removeDir := u.tree.RemoveDir
	if u.ext.removeDir != nil {
		removeDir = u.ext.removeDir
	}
	return u.removeDirBy(name, func(name string) error {
		err := removeDir(name)
		if err != nil && u.isLink(name) {
			err = u.tree.Remove(name)
		}
		return err
	})
}

// isLink reports whether name is a symbolic link.
func (u *user) isLink(name string) bool {
	info, err := u.tree.Lstat(name)
	return err == nil && info.Mode().Type() == fs.ModeSymlink
}

// removeAll removes a directory with all that is in it.
func (u *user) removeAll(name string) error { return u.removeDirBy(name, u.tree.RemoveAll) }

// removeDirBy has f remove a directory.
func (u *user) removeDirBy(name string, f func(name string) error) error {
	return u.change(account.Delete, name, func(name string) error { return uploads.RemoveDir(u.writer(), name, f) })
}

// mkdir makes a directory.
func (u *user) mkdir(name string, perm fs.FileMode) error {
	return u.makeBy(account.Create, name, func(name string) error { return u.tree.Mkdir(name, perm) })
}

// mkdirAll makes a directory, and those above it that are missing.
func (u *user) mkdirAll(name string, perm fs.FileMode) error {
	return u.makeBy(account.Create, name, func(name string) error { return u.tree.MkdirAll(name, perm) })
}

// makeBy has f make a directory or a link.
func (u *user) makeBy(right account.Rights, name string, f func(name string) error) error {
	return u.change(right, name, func(name string) error { return uploads.Make(u.writer(), name, f) })
}

// rename moves a file or directory.
func (u *user) rename(from, to string) error {
	return u.change(account.Rename, from, func(from string) error {
		return u.change(account.Rename, to, func(to string) error {
			return uploads.Rename(u.writer(), from, to)
		})
	})
}

// symlink makes a symbolic link, relative, so that it goes with the tree wherever
// that is.
func (u *user) symlink(target, link string) error {
	return u.makeBy(account.Link, link, func(link string) error {
		if u.ext.symlink != nil {
			return u.ext.symlink(target, link)
		}
		return u.tree.Symlink(target, link)
	})
}

// free returns how many bytes files in a directory may yet take.
func (u *user) free(dir string) (int64, error) {
	info, err := u.stat(dir)
	switch {
	case err != nil:
		return 0, err
	case u.ext.free == nil:
		return u.tree.Free(dir)
	case !info.IsDir():
		return 0, errNoDirectory
	}
	return u.ext.free(dir)
}

// change lets f change name if the user has that right.
func (u *user) change(right account.Rights, name string, f func(name string) error) error {
	if err := u.mayChange(right, name); err != nil {
		return err
	}
	return bare(f(name))
}

// changeFile is change for a file that is there: special files do not exist for a
// client.
func (u *user) changeFile(name string, f func(name string) error) error {
	return u.change(account.Change, name, func(name string) error {
		if _, err := u.tree.Stat(name); err != nil {
			return err
		}
		return uploads.Change(u.writer(), name, f)
	})
}

// mayChange refuses before the tree would, so that a tree which is writable
// for other reasons stays closed to those who only read.
func (u *user) mayChange(right account.Rights, name string) error {
	if err := u.may(right); err != nil {
		return err
	}
	if u.conceals(name) {
		return errName
	}
	return nil
}

// may returns an error if the user lacks that right.
func (u *user) may(right account.Rights) error {
	switch {
	case u.rights.Has(right):
		return nil
	case !account.ReadOnly.Has(right) && u.rights&account.All&^account.ReadOnly == 0:
		return vfs.ErrReadOnly
	}
	return fs.ErrPermission
}
