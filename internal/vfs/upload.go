package vfs

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"slices"

	"github.com/spf13/afero"
)

// uploader is upload.Atomic, which this package cannot import: optional methods of a file system for package upload.
// Root has them; an adapter passes them on if its file system has them.
type uploader interface {
	CreateUpload(temp, target string, perm fs.FileMode) (afero.File, error)
	SyncUpload(f afero.File) error
	CommitUpload(temp, target string, flag int) error
	AbortUpload(temp string) error
}

var _ = [...]uploader{(*Root)(nil), (*adapter)(nil), (*Joined)(nil)}

// CreateUpload creates the file temp, which must not exist, and opens it for writing. The target need not be known.
func (t *Root) CreateUpload(temp, _ string, perm fs.FileMode) (afero.File, error) {
	return t.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
}

// SyncUpload flushes data written to f to the disk. It waits for a place as long as necessary, because the
// client would have to send the data again.
func (t *Root) SyncUpload(f afero.File) error {
	m := MountOfFile(t, f)
	m.EnterLater()
	defer m.Leave()
	return f.Sync()
}

// CommitUpload renames temp, a file made by CreateUpload, to target. A client that opens target gets the old file or the
// complete new one. The flag os.O_EXCL is ignored: the caller has looked whether there is a target.
func (t *Root) CommitUpload(temp, target string, _ int) error {
	return t.renameWith(temp, target, t.shared.root.Rename) // without moveLock: temp is not a link
}

// AbortUpload removes the file temp.
func (t *Root) AbortUpload(temp string) error { return t.Remove(temp) }

// uploader returns the file system as an uploader, if it has the methods. Methods that are promoted from an embedded Root
// do not count: they would bypass the OpenFile and Rename of the file system.
func (a *adapter) uploader() (uploader, bool) {
	up, ok := a.fs.(uploader)
	return up, ok && !embedsRoot(reflect.TypeOf(a.fs))
}

// embedsRoot reports whether a type is a struct, or a pointer to one, that embeds a Root at any depth.
func embedsRoot(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && slices.ContainsFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool {
		return f.Anonymous && (f.Type == reflect.TypeFor[*Root]() || f.Type == reflect.TypeFor[Root]())
	})
}

// CreateUpload passes the call on, if the directory exists. The error is [errors.ErrUnsupported] if the file system has no
// such method.
func (a *adapter) CreateUpload(temp, target string, perm fs.FileMode) (afero.File, error) {
	up, ok := a.uploader()
	if !ok {
		return nil, errors.ErrUnsupported
	}
	full, err := a.fullName(temp)
	becomes := ""
	if err == nil && target != "" {
		becomes, err = a.fullName(target)
	}
	if err == nil && perm != perm.Perm() {
		err = errMode
	}
	if err != nil {
		return nil, a.pathError("create", temp, err)
	}
	f, err := callWithLimit(a.calls.at(full), func() (afero.File, error) {
		if err := a.checkParent(full); err != nil {
			return nil, err
		}
		defer CountChange()
		return up.CreateUpload(full, becomes, perm)
	}, func(f afero.File) { _ = f.Close() })
	if err != nil {
		return nil, a.pathError("create", temp, err)
	}
	if osFile, ok := OSFile(f); ok {
		return osFile, nil
	}
	h := newHandle(f, full)
	h.owner = a
	return h, nil
}

// SyncUpload passes the call on, as CreateUpload does. It has no time limit, because a call that was given up could still
// succeed.
func (a *adapter) SyncUpload(f afero.File) error {
	up, ok := a.uploader()
	if !ok {
		return errors.ErrUnsupported
	}
	if h, ok := f.(*handle); ok {
		f = h.File
	}
	_, err := recoverPanic(func() (struct{}, error) { return struct{}{}, up.SyncUpload(f) })
	return err
}

// CommitUpload passes the call on, as CreateUpload does, unless target is a directory. It has no time limit, as SyncUpload.
func (a *adapter) CommitUpload(temp, target string, flag int) error {
	up, ok := a.uploader()
	if !ok {
		return errors.ErrUnsupported
	}
	from, err1 := a.fullName(temp)
	to, err2 := a.fullName(target)
	if err := errors.Join(err1, err2); err != nil {
		return a.pathError("rename", target, fs.ErrInvalid)
	}
	if fi, err := a.Lstat(target); err == nil && fi.IsDir() {
		return a.pathError("rename", target, fs.ErrExist)
	}
	defer CountChange()
	if _, err := recoverPanic(func() (struct{}, error) { return struct{}{}, up.CommitUpload(from, to, flag) }); err != nil {
		return a.pathError("rename", target, err)
	}
	return nil
}

// AbortUpload passes the call on, as CreateUpload does.
func (a *adapter) AbortUpload(temp string) error {
	up, ok := a.uploader()
	if !ok {
		return errors.ErrUnsupported
	}
	return a.change("remove", temp, up.AbortUpload)
}

// PersistentUploads returns the result of the file system's method, or false if it has none.
func (a *adapter) PersistentUploads() bool {
	up, ok := a.uploader()
	p, hasMethod := up.(interface{ PersistentUploads() bool })
	return ok && hasMethod && p.PersistentUploads()
}

// IsAbandonedUpload passes the call on. Without such a method it returns false.
func (a *adapter) IsAbandonedUpload(temp string) bool {
	up, _ := a.uploader()
	p, ok := up.(interface{ IsAbandonedUpload(temp string) bool })
	if !ok {
		return false
	}
	isAbandoned, err := query(a, "stat", temp, func(full string) (bool, error) { return p.IsAbandonedUpload(full), nil })
	return err == nil && isAbandoned
}
