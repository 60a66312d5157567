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
	// names returns the names of the entries, in no order. It can be called once.
	names() ([]string, error)
	// lstat describes an entry of the directory itself, whatever has been renamed above it, and not what a link
	// leads to.
	lstat(name string) (fs.FileInfo, error)
	io.Closer
}

// listRule says which entries of a directory are listed, and how symbolic links are described.
type listRule int

const (
	listOpenable listRule = iota // what can be opened; links as what they lead to
	listForWalk                  // the same without links that lead to a directory
	listAll                      // everything, and links as a [Link]
)

// ReadDir returns what can be opened in the directory name, sorted by name.
//
// A symbolic link is described by what it leads to, under its own name. Links that lead nowhere or out of the
// tree are left out, and so are special files, and entries that vanish or cannot be described while the directory
// is read: one bad entry does not hide the others.
//
// On Linux [os.SameFile] does not know the descriptions; their Sys is a *syscall.Stat_t, as that of package os.
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

// list describes the entries of the directory at path, which local made, sorted by name.
func (t *Root) list(path string, rule listRule) ([]fs.FileInfo, error) {
	dir, err := t.shared.opener.openDir(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.names()
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return t.describe(path, dir, names, rule), nil
}

// describe returns the entries of dir, which is the directory at path.
func (t *Root) describe(path string, dir directory, names []string, rule listRule) []fs.FileInfo {
	infos := make([]fs.FileInfo, 0, len(names))
	for _, name := range names {
		fi, err := dir.lstat(name)
		switch isLink := err == nil && fi.Mode().Type() == fs.ModeSymlink; {
		case isLink && rule == listAll:
			fi = t.link(filepath.Join(path, name), fi)
		case isLink:
			// From the root of the tree: to dir, a link to its own parent would lead outside.
			fi, err = t.shared.root.Stat(filepath.Join(path, name))
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

// osRootDir is a directory that os.Root opened.
type osRootDir struct{ root *os.Root }

func (o osRootOpener) openDir(path string) (directory, error) {
	// The dot makes path an element to pass through, which os.Root opens with O_DIRECTORY; as the last one it would
	// be opened without, and a FIFO would wait for a writer.
	dir, err := o.root.OpenRoot(path + string(filepath.Separator) + ".")
	if err != nil {
		return nil, err
	}
	return osRootDir{dir}, nil
}

func (d osRootDir) names() ([]string, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

func (d osRootDir) lstat(name string) (fs.FileInfo, error) { return d.root.Lstat(name) }

func (d osRootDir) Close() error { return d.root.Close() }
