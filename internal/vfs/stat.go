package vfs

import (
	"io/fs"
	"os"

	"sluice/internal/fileid"
)

// isOpenable reports whether files of this kind can be opened.
func isOpenable(m fs.FileMode) bool { return m.IsRegular() || m.IsDir() }

// Stat describes the file that name leads to. A special file is [ErrSpecial]: it could be described without
// harm, but who has seen its size goes on to open it, and ReadDir does not show it either.
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

// Lstat describes name itself, be it a symbolic link or a special file: it is the question to ask before one
// removes or renames something.
func (t *Root) Lstat(name string) (fs.FileInfo, error) {
	return t.statBy("lstat", name, (*os.Root).Lstat)
}

// LstatIfPossible is [Root.Lstat] for callers that speak afero. It is always possible.
func (t *Root) LstatIfPossible(name string) (fs.FileInfo, bool, error) {
	fi, err := t.Lstat(name)
	return fi, true, err
}

// statBy describes name in the way of stat.
func (t *Root) statBy(op, name string, stat func(*os.Root, string) (fs.FileInfo, error)) (fs.FileInfo, error) {
	path, err := localPath(name)
	if err != nil {
		return nil, t.pathError(op, name, err)
	}
	fi, err := stat(t.shared.root, path)
	if err != nil {
		return nil, t.pathError(op, name, err)
	}
	return fi, nil
}

// Readable returns why the file name cannot be opened for reading, and nil if it can. On Linux that is what the
// permissions say, by one system call; a file system which asks them only when a file is opened, as some in user space
// do, may still refuse. Other systems are asked by opening the file.
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

// Identify returns the state of the file that name leads to in t, as [fileid.Of] does of an open file, by one system call
// and without a descriptor. It is for comparing with the state of a file that was opened before: alone it proves
// nothing about what name means, because a link on the way that leads out of the tree is followed. Where it cannot be
// had so easily the error is [errors.ErrUnsupported].
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
