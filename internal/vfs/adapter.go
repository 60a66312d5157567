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

// adapter makes a Tree of an afero.Fs.
type adapter struct {
	fs        afero.Fs
	base      string // the directory in fs that is the root of this view, cleaned
	nameStyle *nameStyle
	calls     *callLimiter
}

func newAdapter(fsys afero.Fs) *adapter {
	return &adapter{fs: fsys, base: ".", nameStyle: new(nameStyle), calls: newCallLimiter(fsys)}
}

// sub returns a view of the directory name. The file system decides where links in name lead.
func (a *adapter) sub(name string) (*adapter, error) {
	fi, err := a.Stat(name)
	if err != nil {
		return nil, err
	}
	if !fi.IsDir() {
		return nil, a.pathError("open", name, syscall.ENOTDIR)
	}
	below := *a
	cleaned, _ := cleanName(name) // Stat has checked it
	below.base = path.Join(a.base, cleaned)
	return &below, nil
}

// fullName returns the name that the file system has for the file that the client calls name.
func (a *adapter) fullName(name string) (string, error) {
	name, err := cleanName(name)
	if err != nil {
		return "", err
	}
	if filepath.Separator == '\\' && strings.Contains(name, `\`) {
		return "", fs.ErrInvalid // Windows takes it for a slash, and cleanName has removed no ".." next to it
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

// query returns the result of f for the file that a client calls name.
func query[T any](a *adapter, op, name string, f func(full string) (T, error)) (T, error) {
	var none T
	full, err := a.fullName(name)
	if err != nil {
		return none, a.pathError(op, name, err)
	}
	value, err := callWithLimit(a.calls.at(full), func() (T, error) { return f(full) }, nil)
	if err != nil {
		return none, a.pathError(op, name, err)
	}
	return value, nil
}

// do is query without a result.
func (a *adapter) do(op, name string, f func(full string) error) error {
	_, err := query(a, op, name, func(full string) (struct{}, error) { return struct{}{}, f(full) })
	return err
}

// change is do for an f that changes something. CountChange follows when f returns, even after query has given it up.
func (a *adapter) change(op, name string, f func(full string) error) error {
	return a.do(op, name, func(full string) error {
		defer CountChange()
		return f(full)
	})
}

// changeMuch is change for an f that may take long in a file system that copies files to rename them. If that bounds its
// requests by itself, as an object store, there is no time limit: f would go on after the client has got an error.
func (a *adapter) changeMuch(op, name string, f func(full string) error) error {
	if !a.PersistentUploads() {
		return a.change(op, name, f)
	}
	full, err := a.fullName(name)
	if err == nil {
		defer CountChange()
		_, err = recoverPanic(func() (struct{}, error) { return struct{}{}, f(full) })
	}
	if err != nil {
		return a.pathError(op, name, err)
	}
	return nil
}

// Name returns the name of the file system. It is part of afero.Fs.
func (a *adapter) Name() string { return a.fs.Name() }

// Stat describes the file that name leads to.
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

// Lstat describes name itself, if the file system supports links.
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

// Readable opens the file, because the file system alone decides what its mode means.
func (a *adapter) Readable(name string) error {
	f, err := a.Open(name)
	if err != nil {
		return err
	}
	_ = f.Close() // nothing was read or written
	return nil
}

// Create creates or truncates name and opens it for reading and writing.
func (a *adapter) Create(name string) (afero.File, error) {
	return a.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile opens name with the flags of os.OpenFile. A file is created only in an existing directory; some file systems
// would create the directory too.
func (a *adapter) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	full, err := a.fullName(name)
	if err == nil && perm != perm.Perm() {
		err = errMode
	}
	if err != nil {
		return nil, a.pathError("open", name, err)
	}
	f, err := callWithLimit(a.calls.at(full), func() (afero.File, error) {
		if flag&writing != 0 { // with any of these flags an afero.CopyOnWriteFs makes a copy
			defer CountChange()
		}
		return a.open(full, flag, perm)
	}, func(f afero.File) { _ = f.Close() })
	if err != nil {
		return nil, a.pathError("open", name, err)
	}
	return f, nil
}

// open opens full with the checks that Tree promises. It returns an *os.File, a *described or a *handle.
func (a *adapter) open(full string, flag int, perm fs.FileMode) (afero.File, error) {
	if err := a.mayOpen(full, flag); err != nil {
		return nil, err
	}
	f, err := a.openRaw(full, flag, perm)
	if err != nil {
		return nil, err
	}
	return a.checked(f, full, flag, perm)
}

// checked returns f, which was opened as full, as open does.
func (a *adapter) checked(f afero.File, full string, flag int, perm fs.FileMode) (afero.File, error) {
	if osFile, ok := OSFile(f); ok {
		fi, err := osFile.Stat()
		if err == nil && !isOpenable(fi.Mode()) { // it was replaced after Stat
			err = ErrSpecial
		}
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		if flag&writing != 0 {
			return osFile, nil
		}
		return describe(f, osFile, fi, full), nil
	}
	h := newHandle(f, full)
	h.owner = a
	if flag&writing == 0 {
		// Stat the open file: the name may have got another file, or the file another length.
		fi, err := h.Stat()
		if err == nil && !isOpenable(fi.Mode()) {
			err = ErrSpecial
		}
		if err != nil {
			_ = h.Close()
			return nil, err
		}
		h.readSize, h.modTime = fi.Size(), fi.ModTime()
		h.reopen = func() (afero.File, error) {
			open := func() (afero.File, error) { return a.openRaw(full, flag, perm) }
			return callWithLimit(a.calls.at(full), open, func(f afero.File) { _ = f.Close() })
		}
	}
	return h, nil
}

// hasNoSpecialFiles reports whether any file can be opened without the fear that this waits.
func (a *adapter) hasNoSpecialFiles() bool {
	_, ok := a.fs.(interface{ NoSpecialFiles() })
	return ok
}

// mayOpen returns an error if full cannot be opened with the flags. It calls Stat, because opening a FIFO waits for its other
// end; but not to read from a file system that says that it has none, where each call is a request to another machine.
func (a *adapter) mayOpen(full string, flag int) error {
	if a.hasNoSpecialFiles() && flag&writing == 0 {
		return nil
	}
	fi, err := a.stat(full)
	switch {
	case err == nil && flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL:
		return fs.ErrExist
	case err == nil && fi.IsDir() && flag&writing != 0:
		return syscall.EISDIR
	case err == nil:
		return nil
	case flag&os.O_CREATE == 0 || !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return a.checkParent(full)
}

// openRaw opens a file without checks. It uses Open where it can: an afero.CopyOnWriteFs opens directories only by Open.
func (a *adapter) openRaw(full string, flag int, perm fs.FileMode) (afero.File, error) {
	if flag == os.O_RDONLY {
		return a.fs.Open(full)
	}
	if _, ok := a.fs.(afero.FromIOFS); ok { // it would ignore the flags and open for reading
		return nil, ErrReadOnly
	}
	return a.fs.OpenFile(full, flag, perm)
}

// checkParent returns an error if the parent of full is not a directory. Some file systems, such as afero.MemMapFs, would
// create a file in a directory that does not exist, or beneath a file.
func (a *adapter) checkParent(full string) error {
	fi, err := a.fs.Stat(path.Dir(full))
	if err == nil && !fi.IsDir() {
		err = syscall.ENOTDIR
	}
	return err
}

// ReadDir describes the entries of a directory that can be opened, sorted by name.
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
	if err != nil && err != io.EOF { //nolint:errorlint // the bare value, as from a Reader
		// An afero.FromIOFS fails if an entry vanishes during the call: describe each entry by itself.
		if all, err = a.describe(full); err != nil {
			return nil, err
		}
	}
	infos := a.choose(full, all, rule)
	slices.SortStableFunc(infos, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return slices.CompactFunc(infos, func(a, b fs.FileInfo) bool { return a.Name() == b.Name() }), nil
}

// choose returns those of all, entries of the directory full, that the rule is for.
func (a *adapter) choose(full string, all []fs.FileInfo, rule listRule) []fs.FileInfo {
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
	return infos
}

// describe describes the entries of a directory one by one, and leaves out those that fail.
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

// baseName returns the last element of a name. Some file systems append a slash to names of directories.
func baseName(name string) string { return path.Base(filepath.ToSlash(name)) }

// Walk calls f for each entry beneath the directory name, as Root.Walk does.
func (a *adapter) Walk(name string, f filepath.WalkFunc) error {
	w := walk{f: f, list: func(rel string) ([]fs.FileInfo, error) {
		return query(a, "readdir", path.Join("/", name, rel), func(full string) ([]fs.FileInfo, error) {
			return a.list(full, listForWalk)
		})
	}}
	return w.run()
}

// Mkdir makes a directory in an existing one.
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

// MkdirAll makes a directory and all missing parents.
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

// RemoveDir removes an empty directory. Not every file system checks by itself that it is empty.
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
		names, _ := dir.Readdirnames(1) // io.EOF if it is empty; other errors recur in Remove
		_ = dir.Close()
		if len(names) > 0 {
			return syscall.ENOTEMPTY
		}
		return a.fs.Remove(full)
	})
}

// RemoveAll removes name and everything beneath it.
func (a *adapter) RemoveAll(name string) error {
	return a.changeMuch("removeall", name, func(full string) error {
		if a.isRoot(name) {
			return errRoot
		}
		return a.fs.RemoveAll(full)
	})
}

// Rename moves oldname to newname. It replaces a file of that name, but not a directory.
func (a *adapter) Rename(oldname, newname string) error {
	err := a.changeMuch("rename", oldname, func(from string) error {
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
	if existing, err := a.lstat(to); err == nil && (existing.IsDir() || fi.IsDir()) {
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
		// afero.MemMapFs stores names in the form of filepath.Clean, but Chmod does not convert its argument.
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

// Symlink is unsupported: afero's interface does not say where the link would lead.
func (a *adapter) Symlink(_, name string) error {
	return a.pathError("symlink", name, errors.ErrUnsupported)
}

// Free returns the result of the file system's method Free, if it has one.
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

// nameStyle is the form of names that a file system needs. It is found out at the first use that succeeds.
type nameStyle struct {
	// known is nil, or says whether names are relative: "a/b" and "." instead of "/a/b" and "/", as in package io/fs.
	known atomic.Pointer[bool]
}

// isRelative reports whether the file system of a needs names without a leading slash.
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
	case err == nil && known: // any other error is a panic: try again the next time
		s.known.Store(&relative)
	}
	return relative, nil
}

// needsRelativeNames reports whether fsys needs names without a leading slash. If its root cannot be read, known is false
// and relative is a guess.
//
// A union of a file system with relative names and one without, such as an afero.CopyOnWriteFs over an afero.FromIOFS,
// shows fewer entries of its root as "/" than as "."; it needs relative names. If "." is another directory than "/",
// such as the working directory, their entries differ, and names must begin with a slash.
func needsRelativeNames(fsys afero.Fs) (relative, known bool) {
	dot, err := fsys.Stat(".")
	isDot := err == nil && dot.IsDir()
	slash, err := fsys.Stat("/")
	isSlash := err == nil && slash.IsDir()
	isRefused := errors.Is(err, fs.ErrInvalid)
	switch {
	case !isDot: // if "/" cannot be read either, only ErrInvalid speaks for relative names
		return isRefused, isSlash
	case !isSlash: // any other error of "/" may be temporary
		return true, err == nil || isRefused || errors.Is(err, fs.ErrNotExist)
	}
	const maxNames = 1000 // a root that shows as many as "/" is taken for complete
	bySlash := rootNames(fsys, "/", maxNames)
	if len(bySlash) >= maxNames {
		return false, true
	}
	byDot := rootNames(fsys, ".", -1)
	hasAll := !slices.ContainsFunc(bySlash, func(name string) bool { return !slices.Contains(byDot, name) })
	return len(byDot) > len(bySlash) && hasAll, true
}

// rootNames returns at most n names of entries of the directory root, or all of them if n is negative.
func rootNames(fsys afero.Fs, root string, n int) []string {
	dir, err := fsys.Open(root)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(n) // those before an error will do
	return names
}
