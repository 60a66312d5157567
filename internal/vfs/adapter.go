package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/afero"
)

// adapter is an afero.Fs as a Tree.
type adapter struct {
	fs        afero.Fs
	base      string // of all names, as clean makes them
	nameStyle *nameStyle
	calls     *calls
}

func newAdapter(fsys afero.Fs) *adapter {
	return &adapter{fs: fsys, base: ".", nameStyle: new(nameStyle), calls: new(calls)}
}

// sub returns the view of a directory. It may lie anywhere: where links lead is up to the file system.
func (a *adapter) sub(name string) (*adapter, error) {
	fi, err := a.Stat(name)
	if err != nil {
		return nil, err
	}
	if !fi.IsDir() {
		return nil, a.pathError("open", name, syscall.ENOTDIR)
	}
	below := *a
	cleaned, _ := cleanName(name) // Stat has seen that it is one
	below.base = path.Join(a.base, cleaned)
	return &below, nil
}

// fullName returns the name by which the file system knows what a client calls name.
func (a *adapter) fullName(name string) (string, error) {
	name, err := cleanName(name)
	if err != nil {
		return "", err
	}
	if filepath.Separator == '\\' && strings.Contains(name, `\`) {
		return "", fs.ErrInvalid // it would separate elements that clean has not seen, such as ".."
	}
	name = path.Join(a.base, name)
	relative, err := a.nameStyle.isRelative(a)
	if relative || err != nil {
		return name, err
	}
	if name == "." {
		return "/", nil
	}
	return "/" + name, nil
}

// isRoot reports whether name means the root of this view.
func (a *adapter) isRoot(name string) bool {
	cleaned, err := cleanName(name)
	return err == nil && isRoot(cleaned)
}

func (a *adapter) pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: withoutPath(err)}
}

// query returns what f says of the file that a client calls name.
func query[T any](a *adapter, op, name string, f func(full string) (T, error)) (T, error) {
	var none T
	full, err := a.fullName(name)
	if err != nil {
		return none, a.pathError(op, name, err)
	}
	value, err := callWithLimit(a.calls, func() (T, error) { return f(full) }, nil)
	if err != nil {
		return none, a.pathError(op, name, err)
	}
	return value, nil
}

// do has f do something to the file that a client calls name.
func (a *adapter) do(op, name string, f func(full string) error) error {
	_, err := query(a, op, name, func(full string) (struct{}, error) { return struct{}{}, f(full) })
	return err
}

// change is do for what changes something. It is counted when it is over, also if nobody waits for that any more.
func (a *adapter) change(op, name string, f func(full string) error) error {
	return a.do(op, name, func(full string) error {
		defer CountChange()
		return f(full)
	})
}

// Name returns the name of the file system.
func (a *adapter) Name() string { return a.fs.Name() }

// Stat describes what name leads to.
func (a *adapter) Stat(name string) (fs.FileInfo, error) {
	return query(a, "stat", name, a.stat)
}

func (a *adapter) stat(full string) (fs.FileInfo, error) {
	fi, err := a.fs.Stat(full)
	switch {
	case err != nil:
		return nil, err
	case !isOpenable(fi.Mode()):
		return nil, ErrSpecial
	}
	return checkSize(snapshot(fi, full))
}

// Lstat describes name itself, if the file system knows links.
func (a *adapter) Lstat(name string) (fs.FileInfo, error) {
	return query(a, "lstat", name, a.lstat)
}

func (a *adapter) lstat(full string) (fs.FileInfo, error) {
	var fi fs.FileInfo
	var err error
	if l, ok := a.fs.(afero.Lstater); ok {
		fi, _, err = l.LstatIfPossible(full)
	} else {
		fi, err = a.fs.Stat(full)
	}
	if err != nil {
		return nil, err
	}
	return snapshot(fi, full), nil
}

// Open opens name for reading.
func (a *adapter) Open(name string) (afero.File, error) { return a.OpenFile(name, os.O_RDONLY, 0) }

// Readable opens the file: what its mode means, only its file system knows.
func (a *adapter) Readable(name string) error {
	f, err := a.Open(name)
	if err != nil {
		return err
	}
	_ = f.Close() // it was not even read
	return nil
}

// Create creates or truncates name and opens it for reading and writing.
func (a *adapter) Create(name string) (afero.File, error) {
	return a.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile opens name with the flags of os.OpenFile. A file is created only in a directory that is there: some file
// systems would make that too.
func (a *adapter) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	full, err := a.fullName(name)
	if err == nil && perm != perm.Perm() {
		err = errMode
	}
	if err != nil {
		return nil, a.pathError("open", name, err)
	}
	f, err := callWithLimit(a.calls, func() (afero.File, error) {
		if flag&writing != 0 { // an afero.CopyOnWriteFs makes a copy then, whatever else the flags say
			defer CountChange()
		}
		return a.open(full, flag, perm)
	}, func(f afero.File) { _ = f.Close() })
	if err != nil {
		return nil, a.pathError("open", name, err)
	}
	return f, nil
}

func (a *adapter) open(full string, flag int, perm fs.FileMode) (afero.File, error) {
	// Asked before, because to open a FIFO waits for its other end.
	fi, err := a.stat(full)
	switch {
	case err == nil && flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL:
		return nil, fs.ErrExist
	case err == nil && fi.IsDir() && flag&writing != 0:
		return nil, syscall.EISDIR
	case err == nil:
	case flag&os.O_CREATE == 0 || !errors.Is(err, fs.ErrNotExist):
		return nil, err
	default:
		if err := a.checkParent(full); err != nil {
			return nil, err
		}
	}
	f, err := a.openRaw(full, flag, perm)
	if err != nil {
		return nil, err
	}
	if osFile, ok := OSFile(f); ok {
		if fi, err = osFile.Stat(); err == nil && !isOpenable(fi.Mode()) { // it was replaced meanwhile
			err = ErrSpecial
		}
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		return osFile, nil
	}
	h := newHandle(f, full)
	if flag&writing == 0 {
		// Asked again, because by now the name may mean another file, or one of another length.
		if fi, err = h.Stat(); err == nil && !isOpenable(fi.Mode()) {
			err = ErrSpecial
		}
		if err != nil {
			_ = h.Close()
			return nil, err
		}
		h.maxSize, h.modTime = fi.Size(), fi.ModTime()
		h.reopen = func() (afero.File, error) {
			return callWithLimit(a.calls, func() (afero.File, error) { return a.openRaw(full, flag, perm) }, func(f afero.File) { _ = f.Close() })
		}
	}
	return h, nil
}

// openRaw opens a file as the file system does. An afero.CopyOnWriteFs reads directories only by Open.
func (a *adapter) openRaw(full string, flag int, perm fs.FileMode) (afero.File, error) {
	if flag == os.O_RDONLY {
		return a.fs.Open(full)
	}
	if _, ok := a.fs.(afero.FromIOFS); ok { // which would open for reading instead
		return nil, ErrReadOnly
	}
	return a.fs.OpenFile(full, flag, perm)
}

// checkParent returns why a file cannot be made: some file systems, such as afero.MemMapFs, would make it below a
// directory that is not there, or below a file.
func (a *adapter) checkParent(full string) error {
	fi, err := a.fs.Stat(path.Dir(full))
	if err == nil && !fi.IsDir() {
		err = syscall.ENOTDIR
	}
	return err
}

// ReadDir describes the entries of a directory.
func (a *adapter) ReadDir(name string) ([]fs.FileInfo, error) {
	return query(a, "readdir", name, func(full string) ([]fs.FileInfo, error) { return a.list(full, listOpenable) })
}

func (a *adapter) list(full string, rule listRule) ([]fs.FileInfo, error) {
	if fi, err := a.stat(full); err != nil {
		return nil, err
	} else if !fi.IsDir() {
		return nil, syscall.ENOTDIR
	}
	dir, err := a.fs.Open(full)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	all, err := dir.Readdir(-1)
	if err != nil && err != io.EOF { //nolint:errorlint // as a Reader has it: there is no more
		// One entry that vanishes must not hide the others, as it does behind an afero.FromIOFS.
		if all, err = a.describe(full); err != nil {
			return nil, err
		}
	}
	infos := make([]fs.FileInfo, 0, len(all))
	for _, fi := range all {
		if fi == nil {
			continue
		}
		name := baseName(fi.Name())
		if name == "." || name == ".." || name == "/" {
			continue
		}
		switch isLink := fi.Mode().Type() == fs.ModeSymlink; {
		case isLink && rule == listAll:
			infos = append(infos, a.link(path.Join(full, name), snapshot(fi, name)))
			continue
		case isLink:
			target, err := a.fs.Stat(path.Join(full, name))
			if err != nil || target.IsDir() && rule == listForWalk {
				continue
			}
			fi = target
		}
		if fi.Size() >= 0 && (isOpenable(fi.Mode()) || rule == listAll) {
			infos = append(infos, snapshot(fi, name))
		}
	}
	slices.SortStableFunc(infos, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return slices.CompactFunc(infos, func(a, b fs.FileInfo) bool { return a.Name() == b.Name() }), nil
}

// describe describes the entries of a directory one by one, and leaves out those that cannot be.
func (a *adapter) describe(full string) ([]fs.FileInfo, error) {
	dir, err := a.fs.Open(full)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil && err != io.EOF { //nolint:errorlint // as above
		return nil, err
	}
	var infos []fs.FileInfo
	for _, name := range names {
		if fi, err := a.lstat(path.Join(full, name)); err == nil {
			infos = append(infos, fi)
		}
	}
	return infos, nil
}

// baseName returns the last element of a name, which some file systems give with a slash behind it.
func baseName(name string) string { return path.Base(filepath.ToSlash(name)) }

// Walk calls f for each entry beneath the directory name.
func (a *adapter) Walk(name string, f filepath.WalkFunc) error {
	w := walk{f: f, list: func(rel string) ([]fs.FileInfo, error) {
		return query(a, "readdir", path.Join("/", name, rel), func(full string) ([]fs.FileInfo, error) {
			return a.list(full, listForWalk)
		})
	}}
	return w.run()
}

// Mkdir makes a directory in one that is there.
func (a *adapter) Mkdir(name string, perm fs.FileMode) error {
	return a.change("mkdir", name, func(full string) error {
		if perm != perm.Perm() {
			return errMode
		}
		if _, err := a.lstat(full); err == nil {
			return fs.ErrExist
		}
		if err := a.checkParent(full); err != nil {
			return err
		}
		return a.fs.Mkdir(full, perm)
	})
}

// MkdirAll makes a directory and those above it that are missing.
func (a *adapter) MkdirAll(name string, perm fs.FileMode) error {
	return a.change("mkdir", name, func(full string) error {
		if perm != perm.Perm() {
			return errMode
		}
		return a.fs.MkdirAll(full, perm)
	})
}

// Remove removes a file.
func (a *adapter) Remove(name string) error {
	return a.change("remove", name, func(full string) error {
		fi, err := a.lstat(full)
		switch {
		case err != nil:
			return err
		case fi.IsDir():
			return syscall.EISDIR
		}
		return a.fs.Remove(full)
	})
}

// RemoveDir removes a directory that is empty, which not every file system sees to.
func (a *adapter) RemoveDir(name string) error {
	return a.change("rmdir", name, func(full string) error {
		if a.isRoot(name) {
			return errRoot
		}
		fi, err := a.lstat(full)
		switch {
		case err != nil:
			return err
		case !fi.IsDir():
			return syscall.ENOTDIR
		}
		dir, err := a.fs.Open(full)
		if err != nil {
			return err
		}
		names, _ := dir.Readdirnames(1) // io.EOF: there are none; else Remove tells
		_ = dir.Close()
		if len(names) > 0 {
			return syscall.ENOTEMPTY
		}
		return a.fs.Remove(full)
	})
}

// RemoveAll removes name and all that is beneath it.
func (a *adapter) RemoveAll(name string) error {
	return a.change("removeall", name, func(full string) error {
		if a.isRoot(name) {
			return errRoot
		}
		return a.fs.RemoveAll(full)
	})
}

// Rename moves oldname to newname, which may be a file that is there, but no directory.
func (a *adapter) Rename(oldname, newname string) error {
	err := a.change("rename", oldname, func(from string) error {
		to, err := a.fullName(newname)
		if err != nil {
			return err
		}
		return a.rename(oldname, newname, from, to)
	})
	if err != nil {
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: withoutPath(err)}
	}
	return nil
}

func (a *adapter) rename(oldname, newname, from, to string) error {
	if a.isRoot(oldname) || a.isRoot(newname) {
		return errRoot
	}
	fi, err := a.lstat(from)
	switch {
	case err != nil:
		return err
	case from == to:
		return nil
	case fi.IsDir() && strings.HasPrefix(to, from+"/"): // into itself
		return syscall.EINVAL
	}
	if there, err := a.lstat(to); err == nil && (there.IsDir() || fi.IsDir()) {
		return fs.ErrExist
	}
	if err := a.checkParent(to); err != nil {
		return err
	}
	if err := a.checkMove(oldname, newname); err != nil {
		return err
	}
	return a.fs.Rename(from, to)
}

// Chmod sets the permission bits of a file.
func (a *adapter) Chmod(name string, mode fs.FileMode) error {
	return a.change("chmod", name, func(full string) error {
		if mode != mode.Perm() {
			return errMode
		}
		// afero.MemMapFs looks for the name as it is, and knows it as filepath.Clean makes it.
		return a.fs.Chmod(filepath.FromSlash(full), mode)
	})
}

// Chown sets owner and group of a file.
func (a *adapter) Chown(name string, uid, gid int) error {
	return a.change("chown", name, func(full string) error { return a.fs.Chown(full, uid, gid) })
}

// Chtimes sets the times of a file.
func (a *adapter) Chtimes(name string, atime, mtime time.Time) error {
	return a.change("chtimes", name, func(full string) error { return a.fs.Chtimes(full, atime, mtime) })
}

// Symlink makes no link: by the interface of afero nobody can say where it would lead.
func (a *adapter) Symlink(_, name string) error {
	return a.pathError("symlink", name, errors.ErrUnsupported)
}

// Free is as the file system says, if it does.
func (a *adapter) Free(name string) (int64, error) {
	return query(a, "free", name, func(full string) (int64, error) {
		if f, ok := a.fs.(interface {
			Free(name string) (int64, error)
		}); ok {
			return f.Free(full)
		}
		return 0, errors.ErrUnsupported
	})
}

// nameStyle is how names have to look for a file system. It is found out once that can answer.
type nameStyle struct {
	known atomic.Pointer[bool] // relative: "a/b" and "." instead of "/a/b" and "/", as package io/fs wants it
}

func (s *nameStyle) isRelative(a *adapter) (bool, error) {
	if known := s.known.Load(); known != nil {
		return *known, nil
	}
	known := false
	relative, err := callWithLimit(a.calls, func() (relative bool, err error) {
		relative, known = needsRelativeNames(a.fs)
		return relative, nil
	}, nil)
	switch {
	case errors.Is(err, ErrNotResponding):
		return false, err
	case err == nil && known: // or it has panicked
		s.known.Store(&relative)
	}
	return relative, nil
}

// needsRelativeNames reports whether fsys takes no names that begin with a slash, and whether that is known, or only likely
// because its root cannot be looked at. A union of a file system that does and one that does not, such as an
// afero.CopyOnWriteFs over an afero.FromIOFS, shows less of its root as "/" than as ".". A file system for which "." is
// another place than "/", the working directory, shows something else there.
func needsRelativeNames(fsys afero.Fs) (relative, known bool) {
	dot, err := fsys.Stat(".")
	isDot := err == nil && dot.IsDir()
	slash, err := fsys.Stat("/")
	isSlash := err == nil && slash.IsDir()
	isRefused := errors.Is(err, fs.ErrInvalid)
	switch {
	case !isDot:
		return isRefused, isSlash
	case !isSlash:
		return true, err == nil || isRefused || errors.Is(err, fs.ErrNotExist)
	}
	const most = 1000 // names of a root: one that has more of them as "/" is whole
	first := rootNames(fsys, "/", most)
	if len(first) >= most {
		return false, true
	}
	names := rootNames(fsys, ".", -1)
	return len(names) > len(first) && !slices.ContainsFunc(first, func(name string) bool { return !slices.Contains(names, name) }), true
}

// rootNames returns at most n names of a root, or all of them if n is negative.
func rootNames(fsys afero.Fs, root string, n int) []string {
	dir, err := fsys.Open(root)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(n) // what there is
	return names
}
