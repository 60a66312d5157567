package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/spf13/afero"
)

// RealName returns the absolute, clean name without links of what name stands for: where
// the links on the way and at the end lead. Elements that do not exist are taken
// literally. The error is ErrOutside if a link leads out of the tree.
//
// Other programs may change the links at any time, so the result decides about rights,
// never about which file is opened.
func RealName(t Tree, name string) (string, error) {
	local, err := cleanName(name)
	if err != nil {
		return "", err
	}
	var r *linkResolver
	switch t := t.(type) {
	case *Joined:
		at := t.find(name)
		real, err := RealName(at.Tree, at.name)
		if err != nil {
			return "", err
		}
		return at.outer(real), nil
	case *Root:
		r = t.admittingLinks()
	case *adapter:
		var ok bool
		if r, ok = t.linkResolver(); !ok {
			return path.Join("/", local), nil
		}
	default:
		return path.Join("/", local), nil
	}
	real, err := r.resolve(".", local)
	if err != nil {
		return "", err
	}
	return path.Join("/", real), nil
}

// maxRaces is how often OpenReal tries again because a directory was replaced by a link.
const maxRaces = 10

// OpenReal opens a file for reading, and returns the name without links that it had when
// it was opened: on Linux the kernel makes sure of that (RESOLVE_NO_SYMLINKS). On other
// systems, and of a tree that is not a [Root], another program may have exchanged a link
// in the meantime.
func OpenReal(t Tree, name string) (f afero.File, real string, err error) {
	if joined, ok := t.(*Joined); ok {
		at := joined.find(name)
		if joined.hasBeneath(at.full) {
			f, err := joined.Open(name)
			return f, at.full, err
		}
		f, real, err := OpenReal(at.Tree, at.name)
		if err != nil {
			return nil, "", at.fail(name, err)
		}
		return f, at.outer(real), nil
	}
	root, ok := t.(*Root)
	if !ok {
		real, err := RealName(t, name)
		if err != nil {
			return nil, "", &fs.PathError{Op: "open", Path: name, Err: err}
		}
		f, err := t.Open(name)
		return f, real, err
	}
	for range maxRaces {
		if real, err = RealName(t, name); err != nil {
			break
		}
		var path string
		if path, err = localPath(real); err != nil {
			break
		}
		var opened *os.File
		if opened, err = root.shared.opener.openReal(path); err == nil {
			return opened, real, nil
		}
		if !errors.Is(err, syscall.ELOOP) {
			break
		}
	}
	return nil, "", root.pathError("open", name, err)
}
