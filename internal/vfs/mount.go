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

// MountOf returns the mount that the file called name lies on, as far as its name shows, without asking a file system. A
// [Tree] that is a view of another one, in which files have the same names, has a method Below that returns that.
func MountOf(t Tree, name string) *mounts.Mount {
	switch t := below(t).(type) {
	case *Root:
		if path, err := localPath(name); err == nil {
			return t.shared.mounts.At(path)
		}
	case *adapter:
		if cleaned, err := cleanName(name); err == nil { // not fullName, which may ask the file system
			return t.calls.mount(path.Join(t.base, cleaned))
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
		return t.shared.mounts.At(filepath.FromSlash(file.Name()))
	case *adapter:
		if m := mounts.Of(file.Name()); m != nil && filepath.IsAbs(file.Name()) {
			return m
		}
		return t.calls.own
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

// enter admits a call for the file at path, a result of localPath. The caller calls Leave if there is no error.
func (t *Root) enter(path string) (*mounts.Mount, error) {
	m := t.shared.mounts.At(path)
	return m, m.Enter()
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
	mounts *mounts.Tree
}

func (o admitting) open(path string, flag int, perm fs.FileMode) (*os.File, error) {
	m := o.mounts.At(path)
	if err := m.Enter(); err != nil {
		return nil, err
	}
	defer m.Leave()
	return o.opener.open(path, flag, perm)
}

func (o admitting) openReal(path string) (*os.File, error) {
	m := o.mounts.At(path)
	if err := m.Enter(); err != nil {
		return nil, err
	}
	defer m.Leave()
	return o.opener.openReal(path)
}

func (o admitting) readable(path string) error {
	m := o.mounts.At(path)
	if err := m.Enter(); err != nil {
		return err
	}
	defer m.Leave()
	return o.opener.readable(path)
}

func (o admitting) identify(path string) (fileid.ID, error) {
	m := o.mounts.At(path)
	if err := m.Enter(); err != nil {
		return fileid.ID{}, err
	}
	defer m.Leave()
	return o.opener.identify(path)
}

func (o admitting) openDir(path string) (directory, error) {
	m := o.mounts.At(path)
	if err := m.Enter(); err != nil {
		return nil, err
	}
	defer m.Leave()
	dir, err := o.opener.openDir(path)
	if err != nil {
		return nil, err
	}
	return admittingDir{dir, o.mounts, m, path}, nil
}

// admittingDir is a directory whose calls are admitted.
type admittingDir struct {
	directory
	mounts *mounts.Tree
	mount  *mounts.Mount
	path   string
}

func (d admittingDir) names() ([]string, error) {
	if err := d.mount.Enter(); err != nil {
		return nil, err
	}
	defer d.mount.Leave()
	return d.directory.names()
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
