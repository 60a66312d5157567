package vfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/spf13/afero"
)

// change calls f with the tree that a name belongs to, unless a place is there or beneath it and f would take that away.
func (j *Joined) change(op, name string, takes bool, f func(t Tree, name string) error) error {
	at := j.find(name)
	if takes && (at.isPlace() || j.isWay(at.full)) {
		return &fs.PathError{Op: op, Path: name, Err: ErrPlace}
	}
	if err := f(at.Tree, at.name); err != nil {
		return at.fail(name, err)
	}
	return nil
}

// CheckRemovable returns an error that wraps ErrPlace if a place of a Joined is at name or beneath it: then what is there
// cannot be removed as a whole. It returns nil for every other name, and for every other tree.
func CheckRemovable(t Tree, name string) error {
	j, ok := t.(*Joined)
	if !ok {
		return nil
	}
	return j.change("remove", name, takesAway, func(Tree, string) error { return nil })
}

const (
	takesAway = true
	leaves    = false
)

// Mkdir makes a directory.
func (j *Joined) Mkdir(name string, perm fs.FileMode) error {
	if at := j.find(name); at.isPlace() || j.isWay(at.full) {
		return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
	}
	return j.change("mkdir", name, leaves, func(t Tree, name string) error { return t.Mkdir(name, perm) })
}

// MkdirAll makes a directory and all missing parents.
func (j *Joined) MkdirAll(name string, perm fs.FileMode) error {
	if at := j.find(name); at.isPlace() || j.isWay(at.full) {
		return nil
	}
	return j.change("mkdir", name, leaves, func(t Tree, name string) error { return t.MkdirAll(name, perm) })
}

// Remove removes a file.
func (j *Joined) Remove(name string) error { return j.change("remove", name, takesAway, Tree.Remove) }

// RemoveDir removes an empty directory.
func (j *Joined) RemoveDir(name string) error {
	return j.change("rmdir", name, takesAway, Tree.RemoveDir)
}

// RemoveAll removes name and everything beneath it.
func (j *Joined) RemoveAll(name string) error {
	return j.change("removeall", name, takesAway, Tree.RemoveAll)
}

// Chmod sets the permission bits of a file.
func (j *Joined) Chmod(name string, mode fs.FileMode) error {
	return j.change("chmod", name, leaves, func(t Tree, name string) error { return t.Chmod(name, mode) })
}

// Chown sets owner and group of a file.
func (j *Joined) Chown(name string, uid, gid int) error {
	return j.change("chown", name, leaves, func(t Tree, name string) error { return t.Chown(name, uid, gid) })
}

// Chtimes sets the times of a file.
func (j *Joined) Chtimes(name string, atime, mtime time.Time) error {
	return j.change("chtimes", name, leaves, func(t Tree, name string) error { return t.Chtimes(name, atime, mtime) })
}

// two returns the tree that both names belong to. The error is EXDEV if they belong to two.
func (j *Joined) two(oldname, newname string) (from, to found, err error) {
	from, to = j.find(oldname), j.find(newname)
	switch {
	case from.isPlace(), to.isPlace(), j.isWay(from.full), j.isWay(to.full):
		return from, to, ErrPlace
	case from.place != to.place:
		return from, to, syscall.EXDEV
	}
	return from, to, nil
}

// Rename moves oldname to newname in the same tree.
func (j *Joined) Rename(oldname, newname string) error {
	from, to, err := j.two(oldname, newname)
	if err == nil {
		err = from.Rename(from.name, to.name)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: withoutPath(err)}
	}
	return nil
}

// Symlink makes name a symbolic link to target in the same tree.
func (j *Joined) Symlink(target, name string) error {
	to, at := j.find(target), j.find(name)
	err := error(syscall.EXDEV)
	switch {
	case at.isPlace(), j.isWay(at.full):
		err = fs.ErrExist
	case to.place == at.place:
		err = at.Symlink(to.name, at.name)
	}
	if err != nil {
		return &fs.PathError{Op: "symlink", Path: name, Err: withoutPath(err)}
	}
	return nil
}

// CreateUpload creates the file temp in its tree, as an upload of that tree.
func (j *Joined) CreateUpload(temp, target string, perm fs.FileMode) (afero.File, error) {
	at, becomes := j.find(temp), ""
	if target != "" {
		_, to, err := j.two(temp, target)
		if err != nil {
			return nil, &fs.PathError{Op: "create", Path: temp, Err: err}
		}
		becomes = to.name
	}
	up, ok := at.Tree.(uploader)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	f, err := up.CreateUpload(at.name, becomes, perm)
	if err != nil {
		return nil, at.fail(temp, err)
	}
	return f, nil
}

// SyncUpload flushes data written to f to the disk, as its tree does.
func (j *Joined) SyncUpload(f afero.File) error {
	switch f := f.(type) {
	case *os.File:
		m := j.mountOfFile(f)
		m.EnterLater()
		defer m.Leave()
		return f.Sync()
	case *handle:
		if f.owner != nil {
			return f.owner.SyncUpload(f)
		}
	}
	return errors.ErrUnsupported
}

// CommitUpload renames temp to target, as their tree does.
func (j *Joined) CommitUpload(temp, target string, flag int) error {
	from, to, err := j.two(temp, target)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: temp, New: target, Err: err}
	}
	up, ok := from.Tree.(uploader)
	if !ok {
		return errors.ErrUnsupported
	}
	return to.fail(target, up.CommitUpload(from.name, to.name, flag))
}

// AbortUpload removes temp, as its tree does.
func (j *Joined) AbortUpload(temp string) error {
	at := j.find(temp)
	up, ok := at.Tree.(uploader)
	if !ok {
		return errors.ErrUnsupported
	}
	return at.fail(temp, up.AbortUpload(at.name))
}
