package vfs

import (
	"io/fs"
	"os"
	"syscall"
	"time"
)

// isRoot reports whether a result of localPath is the root of the tree. No other path is: the methods that need to know
// do not follow a link in the last element.
func isRoot(path string) bool { return path == "." }

// change calls f with the path for name, if this view is writable. It calls CountChange also if f fails, because
// RemoveAll may have removed a part.
func (t *Root) change(op, name string, f func(root *os.Root, path string) error) error {
	if !t.writable {
		return t.pathError(op, name, ErrReadOnly)
	}
	path, err := localPath(name)
	if err != nil {
		return t.pathError(op, name, err)
	}
	m, err := t.enter(path)
	if err != nil {
		return t.pathError(op, name, err)
	}
	defer m.Leave()
	defer CountChange()
	if err := f(t.shared.root, path); err != nil {
		return t.pathError(op, name, err)
	}
	return nil
}

// Mkdir makes a directory. perm may have permission bits only, and the umask applies.
func (t *Root) Mkdir(name string, perm fs.FileMode) error {
	return t.change("mkdir", name, func(root *os.Root, path string) error {
		if perm != perm.Perm() {
			return errMode
		}
		return root.Mkdir(path, perm)
	})
}

// MkdirAll makes a directory and all missing parents. A directory that exists already is no error.
func (t *Root) MkdirAll(name string, perm fs.FileMode) error {
	return t.change("mkdir", name, func(root *os.Root, path string) error {
		if perm != perm.Perm() {
			return errMode
		}
		return root.MkdirAll(path, perm)
	})
}

// Remove removes a file, a special file, or a link but not its target. A directory is EISDIR.
//
// The type is checked before the removal: an empty directory that replaces the file in between is removed.
func (t *Root) Remove(name string) error {
	return t.change("remove", name, func(root *os.Root, path string) error {
		fi, err := root.Lstat(path)
		if err != nil {
			return err
		}
		if fi.IsDir() {
			return syscall.EISDIR
		}
		return root.Remove(path)
	})
}

// RemoveDir removes an empty directory, but not the root of the tree. Anything else, including a link to a directory, is
// ENOTDIR.
//
// The type is checked before the removal: a file that replaces the directory in between is removed.
func (t *Root) RemoveDir(name string) error {
	return t.change("rmdir", name, func(root *os.Root, path string) error {
		if isRoot(path) {
			return errRoot
		}
		fi, err := root.Lstat(path)
		if err != nil {
			return err
		}
		if !fi.IsDir() {
			return syscall.ENOTDIR
		}
		return root.Remove(path)
	})
}

// RemoveAll removes name and everything beneath it, but not the root of the tree. Links are removed, not followed. A
// name that does not exist is no error.
func (t *Root) RemoveAll(name string) error {
	return t.change("removeall", name, func(root *os.Root, path string) error {
		if isRoot(path) {
			return errRoot
		}
		return root.RemoveAll(path)
	})
}

// Rename moves oldname to newname; a link is moved, not its target. A file or link called newname is replaced, a
// directory is EEXIST. The root of the tree can be neither moved nor replaced.
//
// If a symbolic link, itself or in a directory that is moved, would lead out of the tree afterwards, the error is
// [ErrLeadsOut]. A directory that is moved nearer to the root is searched for such links; if it has more than 100,000
// entries the error is [ErrTooManyEntries].
func (t *Root) Rename(oldname, newname string) error { return t.renameWith(oldname, newname, t.move) }

// renameWith checks and converts the names, and calls rename with the paths.
func (t *Root) renameWith(oldname, newname string, rename func(from, to string) error) error {
	if err := t.rename(oldname, newname, rename); err != nil {
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: t.cause(err)}
	}
	return nil
}

func (t *Root) rename(oldname, newname string, rename func(from, to string) error) error {
	if !t.writable {
		return ErrReadOnly
	}
	oldpath, err := localPath(oldname)
	if err != nil {
		return err
	}
	newpath, err := localPath(newname)
	if err != nil {
		return err
	}
	if isRoot(oldpath) || isRoot(newpath) {
		return errRoot
	}
	m, err := t.enter(oldpath)
	if err != nil {
		return err
	}
	defer m.Leave()
	defer CountChange()
	return rename(oldpath, newpath)
}

// Chmod sets the permission bits of the file that name leads to. It refuses other bits.
func (t *Root) Chmod(name string, mode fs.FileMode) error {
	return t.change("chmod", name, func(root *os.Root, path string) error {
		if mode != mode.Perm() {
			return errMode
		}
		return root.Chmod(path, mode)
	})
}

// Chown sets owner and group of the file that name leads to; -1 means no change.
func (t *Root) Chown(name string, uid, gid int) error {
	return t.change("chown", name, func(root *os.Root, path string) error {
		return root.Chown(path, uid, gid)
	})
}

// Chtimes sets the times of the file that name leads to; a zero time means no change.
func (t *Root) Chtimes(name string, atime, mtime time.Time) error {
	return t.change("chtimes", name, func(root *os.Root, path string) error {
		return root.Chtimes(path, atime, mtime)
	})
}

// Symlink makes name a symbolic link to target, which need not exist. Both are names in the tree. The link contains the
// relative path from one to the other, which stays valid if the tree is moved. If target leads out of the tree the error
// is [ErrLeadsOut].
func (t *Root) Symlink(target, name string) error {
	return t.change("symlink", name, func(_ *os.Root, link string) error {
		to, err := localPath(target)
		if err != nil {
			return err
		}
		return t.makeLink(to, link)
	})
}
