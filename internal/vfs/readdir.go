package vfs

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// directory is an open directory.
type directory interface {
	// names returns at most n further names of entries, unsorted; the error is io.EOF if there are none. If n is -1 it
	// returns all, and no io.EOF.
	names(n int) ([]string, error)
	// lstat describes an entry, a link itself rather than its target. It works after the directory is renamed.
	lstat(name string) (fs.FileInfo, error)
	io.Closer
}

// listRule says which entries of a directory are listed, and how symbolic links are described.
type listRule int

const (
	listOpenable listRule = iota // entries that can be opened; links are described by their targets
	listForWalk                  // the same without links to directories
	listAll                      // everything; links are described by a *Link
)

// ReadDir returns the regular files and directories in the directory name, sorted by name.
//
// A symbolic link is described by its target, under its own name. ReadDir leaves out links that lead nowhere or out of
// the tree, special files, and entries that vanish during the call or cannot be described.
//
// On Linux [os.SameFile] does not work with the results; their Sys is a *syscall.Stat_t, as that of package os.
func (t *Root) ReadDir(name string) ([]fs.FileInfo, error) { return t.readDir(name, listOpenable) }

func (t *Root) readDir(name string, rule listRule) ([]fs.FileInfo, error) {
	path, err := localPath(name)
	if err != nil {
		return nil, t.pathError("readdir", name, err)
	}
	infos, err := t.list(path, rule)
	if err != nil {
		return nil, t.pathError("readdir", name, err)
	}
	return infos, nil
}

// list describes the entries of the directory at path, a result of localPath, sorted by name.
func (t *Root) list(path string, rule listRule) ([]fs.FileInfo, error) {
	dir, err := t.shared.opener.openDir(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.names(-1)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return t.describe(path, dir, names, rule), nil
}

// describe describes the entries called names of dir, which is open on path.
func (t *Root) describe(path string, dir directory, names []string, rule listRule) []fs.FileInfo {
	infos := make([]fs.FileInfo, 0, len(names))
	for _, name := range names {
		fi, err := dir.lstat(name)
		switch isLink := err == nil && fi.Mode().Type() == fs.ModeSymlink; {
		case isLink && rule == listAll:
			link := fi
			_ = t.admit(filepath.Join(path, name), func() error { fi = t.link(filepath.Join(path, name), link); return nil })
		case isLink:
			// Resolve from the root of the tree: from dir, a link to its parent would lead outside.
			err = t.admit(filepath.Join(path, name), func() error {
				fi, err = t.shared.root.Stat(filepath.Join(path, name))
				return err
			})
			if err == nil && fi.IsDir() && rule == listForWalk {
				continue
			}
		}
		if err == nil && (isOpenable(fi.Mode()) || rule == listAll) {
			infos = append(infos, fi)
		}
	}
	return infos
}

// osRootDir is a directory opened by os.Root.
type osRootDir struct {
	root *os.Root
	f    *os.File
}

func (o osRootOpener) openDir(path string) (directory, error) {
	// The dot makes os.Root open path with O_DIRECTORY, as every element but the last. Without it, opening a FIFO would
	// wait for a writer.
	root, err := o.root.OpenRoot(path + string(filepath.Separator) + ".")
	if err != nil {
		return nil, err
	}
	f, err := root.Open(".")
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return osRootDir{root, f}, nil
}

func (d osRootDir) names(n int) ([]string, error) { return d.f.Readdirnames(n) }

func (d osRootDir) lstat(name string) (fs.FileInfo, error) { return d.root.Lstat(name) }

func (d osRootDir) Close() error {
	err := d.f.Close()
	if rootErr := d.root.Close(); err == nil {
		err = rootErr
	}
	return err
}
