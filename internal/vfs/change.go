package vfs

import (
	"io/fs"
	"os"
	"syscall"
	"time"
)

// isRoot reports whether a path that local made is the root of the tree. No other path can name it: the changes
// that care do not follow a link in the last element.
func isRoot(path string) bool { return path == "." }

// change does what f does to the path that name stands for, if this view may. It is counted also if it fails: RemoveAll
// may have done half of its work.
func (t *Root) change(op, name string, f func(root *os.Root, path string) error) error {
	if !t.writable {
		return t.pathError(op, name, ErrReadOnly)
	}
	path, err := localPath(name)
	if err != nil {
		return t.pathError(op, name, err)
	}
	defer CountChange()
	if err := f(t.shared.root, path); err != nil {
		return t.pathError(op, name, err)
	}
	return nil
}

// Mkdir makes a directory. perm is cut by the umask and may hold nothing but permission bits.
func (t *Root) Mkdir(name string, perm fs.FileMode) error {
	return t.change("mkdir", name, func(root *os.Root, path string) error {
		if perm != perm.Perm() {
			return errMode
		}
		return root.Mkdir(path, perm)
	})
}

// MkdirAll makes a directory and those above it that are missing. One that exists already is no error.
func (t *Root) MkdirAll(name string, perm fs.FileMode) error {
	return t.change("mkdir", name, func(root *os.Root, path string) error {
		if perm != perm.Perm() {
			return errMode
		}
		return root.MkdirAll(path, perm)
	})
}

// Remove removes a file, a link (never what it leads to) or a special file. A directory is EISDIR.
//
// The kind is looked at before, so an empty directory that takes the file's place in between is removed.
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

// RemoveDir removes an empty directory, but not the root of the tree. What is no directory, a link to one
// included, is ENOTDIR.
//
// The kind is looked at before, so a file that takes the directory's place in between is removed.
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

// RemoveAll removes name and all that is beneath it, but not the root of the tree. Links are removed, not
// followed. A name that does not exist is no error.
func (t *Root) RemoveAll(name string) error {
	return t.change("removeall", name, func(root *os.Root, path string) error {
		if isRoot(path) {
			return errRoot
		}
		return root.RemoveAll(path)
	})
}

// Rename moves oldname, a link itself rather than what it leads to, to newname. It replaces a file or a link
// there; a directory there is EEXIST. The root of the tree cannot be moved, nor replaced.
//
// A move to another directory after which a symbolic link would lead out of the tree, be it in the directory that is
// moved, is [ErrLeadsOut]. So that a directory can be moved to one that is nearer to the root, no more than 100,000
// entries may lie beneath it: else the error is [ErrTooManyEntries].
func (t *Root) Rename(oldname, newname string) error { return t.renameWith(oldname, newname, t.move) }

// renameWith has rename give what has a path another one.
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
	defer CountChange()
	return rename(oldpath, newpath)
}

// Chmod sets the permission bits of the file that name leads to; other bits are refused.
func (t *Root) Chmod(name string, mode fs.FileMode) error {
	return t.change("chmod", name, func(root *os.Root, path string) error {
		if mode != mode.Perm() {
			return errMode
		}
		return root.Chmod(path, mode)
	})
}

// Chown sets owner and group of the file that name leads to; -1 keeps one.
func (t *Root) Chown(name string, uid, gid int) error {
	return t.change("chown", name, func(root *os.Root, path string) error {
		return root.Chown(path, uid, gid)
	})
}

// Chtimes sets the times of the file that name leads to; a zero time keeps one.
func (t *Root) Chtimes(name string, atime, mtime time.Time) error {
	return t.change("chtimes", name, func(root *os.Root, path string) error {
		return root.Chtimes(path, atime, mtime)
	})
}

// Symlink makes name a symbolic link to target, which need not exist. Both are names in the tree; what the link
// holds is the way from one to the other, so that it leads nowhere else wherever the tree lies. If target leads out of
// the tree the error is [ErrLeadsOut].
func (t *Root) Symlink(target, name string) error {
	return t.change("symlink", name, func(_ *os.Root, link string) error {
		to, err := localPath(target)
		if err != nil {
			return err
		}
		return t.makeLink(to, link)
	})
}
