package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"

	"github.com/spf13/afero"

	"sluice/internal/fileid"
	"sluice/internal/mounts"
)

// Calls of the operating system may hang, if the file belongs to another machine or process. So those of a Root pass the
// admission of package mounts: the methods of Root that take a name do so here, and callers that read or write an open
// file do so themselves, with MountOf or MountOfFile.

// MountOf returns the mount that the file called name lies on. It asks no file system but that of the root of t, and that
// only for links that lead to another mount. A
// [Tree] that is a view of another one, in which files have the same names, has a method Below that returns that.
func MountOf(t Tree, name string) *mounts.Mount {
	switch t := below(t).(type) {
	case *Root:
		if path, err := localPath(name); err == nil {
			return t.mount(path)
		}
	case *Joined:
		at := t.find(name)
		return MountOf(at.Tree, at.name)
	case *adapter:
		if cleaned, err := cleanName(name); err == nil { // not fullName, which may ask the file system
			return t.calls.at(path.Join(t.base, cleaned)).mount
		}
	}
	return nil // no call will be made
}

// MountOfFile returns the mount of a file that t has opened. It is nil, which admits everything, unless f is an *os.File.
func MountOfFile(t Tree, f any) *mounts.Mount {
	file, ok := f.(*os.File)
	if !ok || file == nil {
		return nil
	}
	switch t := below(t).(type) {
	case *Root:
		return t.mount(filepath.FromSlash(file.Name()))
	case *Joined:
		return t.mountOfFile(file)
	case *adapter:
		if m := mounts.Of(file.Name()); m != nil && filepath.IsAbs(file.Name()) {
			return m
		}
		return t.calls.mount
	}
	return nil
}

func below(t Tree) Tree {
	for {
		view, ok := t.(interface{ Below() Tree })
		if !ok {
			return t
		}
		t = view.Below()
	}
}

// mount returns the mount of the file at path, a result of localPath.
func (t *Root) mount(path string) *mounts.Mount {
	m := t.shared.mounts.At(path)
	a, ok := t.shared.opener.(admitting)
	if !ok || m != t.shared.mounts.Own() || !m.TryEnter() {
		return m
	}
	crosses := a.crosses(path)
	m.Leave()
	if crosses {
		m = t.shared.mountBehind(path)
	}
	return m
}

// enter admits a call for the file at path, a result of localPath. The caller calls Leave if there is no error.
func (t *Root) enter(path string) (*mounts.Mount, error) {
	m := t.shared.mounts.At(path)
	if err := m.Enter(); err != nil {
		return nil, err
	}
	if a, ok := t.shared.opener.(admitting); !ok || m != t.shared.mounts.Own() || !a.crosses(path) {
		return m, nil
	}
	m.Leave()
	m = t.shared.mountBehind(path)
	return m, m.Enter()
}

// mountBehind returns the mount of a path that leads to another mount than its name shows: by a link, or because that was
// mounted within the last second. Nothing there is asked. If the mount cannot be found out, it is one for all such paths,
// so that a link cannot use up the places of the mount where it is.
func (d *shared) mountBehind(path string) *mounts.Mount {
	d.mounts.Refresh()
	if m := d.mounts.At(path); m != d.mounts.Own() {
		return m
	}
	within := func(name string) error { // what is on the own mount may be asked
		if d.mounts.At(filepath.FromSlash(name)) != d.mounts.Own() {
			return fs.ErrNotExist // which takes the rest as it is
		}
		return d.mounts.Own().Enter()
	}
	r := &linkResolver{
		lstat: func(name string) (fs.FileInfo, error) {
			if err := within(name); err != nil {
				return nil, err
			}
			defer d.mounts.Own().Leave()
			return d.root.Lstat(filepath.FromSlash(name))
		},
		readlink: func(name string) (string, error) {
			if err := within(name); err != nil {
				return "", err
			}
			defer d.mounts.Own().Leave()
			return d.root.Readlink(filepath.FromSlash(name))
		},
	}
	real, err := r.resolve(".", filepath.ToSlash(path))
	if err == nil {
		if m := d.mounts.At(filepath.FromSlash(real)); m != d.mounts.Own() {
			return m
		}
	}
	return d.mounts.Elsewhere()
}

// admit calls f for the file at path, a result of localPath.
func (t *Root) admit(path string, f func() error) error {
	m, err := t.enter(path)
	if err != nil {
		return err
	}
	defer m.Leave()
	return f()
}

// admitting is an opener whose calls are admitted.
type admitting struct {
	opener
	tree *shared
}

// crosses reports whether path leads to another mount, if the system can say so.
func (o admitting) crosses(path string) bool {
	c, ok := o.opener.(interface{ crosses(path string) bool })
	return ok && c.crosses(path)
}

// admitted calls f with an opener for the file at path.
func admitted[T any](o admitting, path string, f func(o opener) (T, error)) (value T, err error) {
	m := o.tree.mounts.At(path)
	if s, ok := o.opener.(interface{ staying() opener }); ok && m == o.tree.mounts.Own() {
		if err = m.Enter(); err != nil {
			return value, err
		}
		value, err = f(s.staying())
		m.Leave()
		if err != errCrosses { //nolint:errorlint // the value itself
			return value, err
		}
		m = o.tree.mountBehind(path)
	}
	if err = m.Enter(); err != nil {
		return value, err
	}
	defer m.Leave()
	return f(o.opener)
}

func (o admitting) open(path string, flag int, perm fs.FileMode) (*os.File, error) {
	return admitted(o, path, func(o opener) (*os.File, error) { return o.open(path, flag, perm) })
}

func (o admitting) openReal(path string) (*os.File, error) {
	return admitted(o, path, func(o opener) (*os.File, error) { return o.openReal(path) })
}

func (o admitting) openDir(path string) (directory, error) {
	dir, err := admitted(o, path, func(o opener) (directory, error) { return o.openDir(path) })
	if err != nil {
		return nil, err
	}
	return admittingDir{dir, o.tree.mounts, o.tree.mounts.At(path), path}, nil
}

func (o admitting) readable(path string) error {
	_, err := admitted(o, path, func(o opener) (struct{}, error) { return struct{}{}, o.readable(path) })
	return err
}

func (o admitting) identify(path string) (fileid.ID, error) {
	return admitted(o, path, func(o opener) (fileid.ID, error) { return o.identify(path) })
}

// admittingDir is a directory whose calls are admitted.
type admittingDir struct {
	directory
	mounts *mounts.Tree
	mount  *mounts.Mount
	path   string
}

func (d admittingDir) names(n int) ([]string, error) {
	if err := d.mount.Enter(); err != nil {
		return nil, err
	}
	defer d.mount.Leave()
	return d.directory.names(n)
}

// lstat describes an entry. A mount point is not asked, if the system can do without: a listing must not wait for each
// file system that is mounted below.
func (d admittingDir) lstat(name string) (fs.FileInfo, error) {
	m := d.mount
	if d.mounts.HasBeneath() {
		m = d.mounts.At(filepath.Join(d.path, name))
	}
	if m != d.mount {
		if fi, err := lstatMountPoint(d.directory, name); !errors.Is(err, errors.ErrUnsupported) {
			return fi, err
		}
	}
	if err := m.Enter(); err != nil {
		return nil, err
	}
	defer m.Leave()
	return d.directory.lstat(name)
}

// osPath returns the path on this machine of the file that fsys calls name, if fsys shows the files of this machine as
// they are.
func osPath(fsys afero.Fs, name string) (string, bool) {
	switch t := fsys.(type) {
	case *afero.OsFs:
		if abs, err := filepath.Abs(name); err == nil {
			return abs, true
		}
	case *afero.BasePathFs:
		if real, err := t.RealPath(name); err == nil && sourceOf(t) == reflect.TypeFor[*afero.OsFs]() {
			return osPath(&afero.OsFs{}, real)
		}
	}
	return "", false
}

// sourceOf returns the type of the file system below, which afero does not export.
func sourceOf(t *afero.BasePathFs) reflect.Type {
	if source := reflect.ValueOf(t).Elem().FieldByName("source"); source.Kind() == reflect.Interface && !source.IsNil() {
		return source.Elem().Type()
	}
	return nil
}
