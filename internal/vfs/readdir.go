package vfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ReadDir returns what can be opened in the directory name, sorted by name.
//
// A symbolic link is described by what it leads to, under its own name. Links that lead nowhere or out of the
// tree are left out, and so are special files, and entries that vanish or cannot be described while the directory
// is read: one bad entry does not hide the others.
func (t *Tree) ReadDir(name string) ([]fs.FileInfo, error) {
	path, err := local(name)
	if err != nil {
		return nil, t.fail("readdir", name, err)
	}
	// The entries are looked up beneath the directory itself, so that a long path costs once and a rename of one
	// of its elements does not matter. The dot makes name an element to pass through, which os.Root opens with
	// O_DIRECTORY; as the last one it would be opened without, and a FIFO would wait for a writer.
	dir, err := t.disk.root.OpenRoot(path + string(filepath.Separator) + ".")
	if err != nil {
		return nil, t.fail("readdir", name, err)
	}
	defer dir.Close()
	names, err := readNames(dir)
	if err != nil {
		return nil, t.fail("readdir", name, err)
	}
	slices.Sort(names)
	return t.describe(path, dir, names), nil
}

func readNames(dir *os.Root) ([]string, error) {
	f, err := dir.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// describe returns the entries of dir, which is the directory at path, that can be opened.
func (t *Tree) describe(path string, dir *os.Root, names []string) []fs.FileInfo {
	infos := make([]fs.FileInfo, 0, len(names))
	for _, name := range names {
		fi, err := dir.Lstat(name)
		if err == nil && fi.Mode().Type() == fs.ModeSymlink {
			// From the root of the tree: to dir, a link to its own parent would lead outside.
			fi, err = t.disk.root.Stat(filepath.Join(path, name))
		}
		if err == nil && served(fi.Mode()) {
			infos = append(infos, fi)
		}
	}
	return infos
}
