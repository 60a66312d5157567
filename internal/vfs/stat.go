package vfs

import (
	"io/fs"
	"os"

	"sluice/internal/fileid"
)

// isOpenable reports whether m is the mode of a regular file or directory.
func isOpenable(m fs.FileMode) bool { return m.IsRegular() || m.IsDir() }

// Stat describes the file that name leads to. A special file is [ErrSpecial], because it cannot be opened and ReadDir does
// not show it.
func (t *Root) Stat(name string) (fs.FileInfo, error) {
	fi, err := t.statBy("stat", name, (*os.Root).Stat)
	if err != nil {
		return nil, err
	}
	if !isOpenable(fi.Mode()) {
		return nil, t.pathError("stat", name, ErrSpecial)
	}
	return fi, nil
}

// Lstat describes name itself, also if it is a symbolic link or a special file. It is for use before name is removed or
// renamed.
func (t *Root) Lstat(name string) (fs.FileInfo, error) {
	return t.statBy("lstat", name, (*os.Root).Lstat)
}

// LstatIfPossible is [Root.Lstat] for afero.Lstater.
func (t *Root) LstatIfPossible(name string) (fs.FileInfo, bool, error) {
	fi, err := t.Lstat(name)
	return fi, true, err
}

// statBy describes name by calling stat.
func (t *Root) statBy(op, name string, stat func(*os.Root, string) (fs.FileInfo, error)) (fs.FileInfo, error) {
	path, err := localPath(name)
	if err != nil {
		return nil, t.pathError(op, name, err)
	}
	m, err := t.enter(path)
	if err != nil {
		return nil, t.pathError(op, name, err)
	}
	defer m.Leave()
	fi, err := stat(t.shared.root, path)
	if err != nil {
		return nil, t.pathError(op, name, err)
	}
	return fi, nil
}

// Readable returns nil if the file name can be opened for reading, else the reason. On Linux it checks the permissions
// with one system call; a file system that checks them only on open, as some FUSE file systems, may still refuse. On other
// systems it opens the file.
func (t *Root) Readable(name string) error {
	path, err := localPath(name)
	if err == nil {
		err = t.shared.opener.readable(path)
	}
	if err != nil {
		return t.pathError("open", name, err)
	}
	return nil
}

// Identify returns the state of the file that name leads to in t, as [fileid.Of] does of an open file, with one system call
// and without a descriptor. Use it only to compare with the state of a file that was opened before, because it follows
// links that lead out of the tree. The error is [errors.ErrUnsupported] where this takes more than one system call.
func Identify(t *Root, name string) (fileid.ID, error) {
	path, err := localPath(name)
	if err != nil {
		return fileid.ID{}, t.pathError("stat", name, err)
	}
	id, err := t.shared.opener.identify(path)
	if err != nil {
		return fileid.ID{}, t.pathError("stat", name, err)
	}
	return id, nil
}
