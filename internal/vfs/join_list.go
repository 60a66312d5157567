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
	"syscall"

	"github.com/spf13/afero"
)

// children describes what is in the directory full because of places: places, and directories on the way to one.
func (j *Joined) children(full string) (all []fs.FileInfo) {
	prefix := strings.TrimSuffix(full, "/") + "/"
	seen := make(map[string]bool)
	for _, p := range slices.Backward(j.places) { // a place comes before those beneath it
		rest, ok := strings.CutPrefix(p.path, prefix)
		if !ok {
			continue
		}
		name, _, isWay := strings.Cut(rest, "/")
		switch {
		case seen[name]:
			continue
		case isWay:
			all = append(all, j.wayInfo(prefix+name))
		default:
			all = append(all, p.info())
		}
		seen[name] = true
	}
	return all
}

// merge adds the children of a directory to its entries, in whose place they are shown. An entry that is a directory stays,
// if it is only on the way to a place.
func (j *Joined) merge(full string, infos []fs.FileInfo) []fs.FileInfo {
	children := j.children(full)
	if len(children) == 0 {
		return infos
	}
	infos, children = j.hide(full, infos, children)
	infos = append(infos, children...)
	slices.SortStableFunc(infos, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return infos
}

// hide returns entries of the directory full without those that children hide, and the children without those that are
// among the entries.
func (j *Joined) hide(full string, infos, children []fs.FileInfo) (left, missing []fs.FileInfo) {
	missing = slices.Clone(children)
	left = slices.DeleteFunc(slices.Clone(infos), func(info fs.FileInfo) bool {
		i := slices.IndexFunc(missing, func(c fs.FileInfo) bool { return c.Name() == info.Name() })
		switch {
		case i < 0:
			return false
		case info.IsDir() && !j.isPlaceAt(path.Join(full, info.Name())):
			missing = slices.Delete(missing, i, i+1)
			return false
		}
		return true
	})
	return left, missing
}

func (j *Joined) isPlaceAt(full string) bool {
	return slices.ContainsFunc(j.places, func(p *place) bool { return p.path == full })
}

// list returns the entries of a directory that the tree lists by f, and its children.
func (j *Joined) list(name string, f func(t Tree, name string) ([]fs.FileInfo, error)) ([]fs.FileInfo, error) {
	at := j.find(name)
	infos, err := f(at.Tree, at.name)
	if err != nil {
		if !j.isMissing(&at, err) {
			return nil, at.fail(name, err)
		}
		infos = nil
	}
	return j.merge(at.full, infos), nil
}

// isMissing reports whether err says that there is no such directory, but it is on the way to a place.
func (j *Joined) isMissing(at *found, err error) bool {
	return j.isWay(at.full) && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR))
}

// ReadDir returns the regular files and directories in the directory name, sorted by name.
func (j *Joined) ReadDir(name string) ([]fs.FileInfo, error) { return j.list(name, Tree.ReadDir) }

// Entries describes everything in the directory name, sorted by name.
func (j *Joined) Entries(name string) ([]fs.FileInfo, error) { return j.list(name, Tree.Entries) }

// OpenDir opens the directory name to read its entries. Its children come first.
func (j *Joined) OpenDir(name string, kind EntryKind) (*Dir, error) {
	at := j.find(name)
	children := j.children(at.full)
	dir, err := OpenDir(at.Tree, at.name, kind)
	switch {
	case err != nil && j.isMissing(&at, err):
		return DirOf(func() ([]fs.FileInfo, error) { return children, io.EOF }, func() {}), nil
	case err != nil:
		return nil, at.fail(name, err)
	case len(children) == 0:
		return dir, nil
	}
	// A child that is also an entry is shown once: what hides the entry comes first.
	isFirst := true
	next := func() ([]fs.FileInfo, error) {
		if isFirst {
			isFirst = false
			return slices.Clone(children), nil
		}
		infos, err := dir.Next()
		infos = slices.DeleteFunc(infos, func(info fs.FileInfo) bool {
			return slices.ContainsFunc(children, func(c fs.FileInfo) bool { return c.Name() == info.Name() })
		})
		if err != nil && err != io.EOF { //nolint:errorlint // the bare value, as from a Reader
			err = at.fail(name, err)
		}
		return infos, err
	}
	return DirOf(next, dir.Close), nil
}

// Walk calls f for each entry beneath the directory name, as [Root.Walk] does.
func (j *Joined) Walk(name string, f filepath.WalkFunc) error {
	w := walk{f: f, list: func(rel string) ([]fs.FileInfo, error) { return j.list(path.Join("/", name, rel), listToWalk) }}
	return w.run()
}

// listToWalk returns the entries of a directory that Walk visits.
func listToWalk(t Tree, name string) (infos []fs.FileInfo, err error) {
	err = t.Walk(name, func(_ string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		infos = append(infos, info)
		if info.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	return infos, err
}

// joinedDir is an open directory with places beneath it. Its descriptor, if it has one, is that of the directory in the
// tree, to be synced for example.
type joinedDir struct {
	afero.File // the directory in the tree; nil: it is only on the way to a place
	tree       *Joined
	full       string
	info       fs.FileInfo
	entries    *Dir          // nil: not opened yet
	left       []fs.FileInfo // that were read and not returned yet
}

// joinedOSDir is a joinedDir that has a descriptor.
type joinedOSDir struct {
	*joinedDir
	file *os.File
}

// OSFile returns the directory in the tree.
func (d joinedOSDir) OSFile() *os.File { return d.file }

func newJoinedDir(j *Joined, full string, info fs.FileInfo, f afero.File) afero.File {
	d := &joinedDir{File: f, tree: j, full: full, info: info}
	if f == nil {
		d.File = noDir{}
	}
	if file, ok := OSFile(f); ok {
		return joinedOSDir{d, file}
	}
	return d
}

func (d *joinedDir) Name() string               { return strings.TrimPrefix(d.full, "/") }
func (d *joinedDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *joinedDir) Read([]byte) (int, error)   { return 0, d.isDirectory("read") }
func (d *joinedDir) Write([]byte) (int, error)  { return 0, d.isDirectory("write") }
func (d *joinedDir) isDirectory(op string) error {
	return &fs.PathError{Op: op, Path: d.Name(), Err: syscall.EISDIR}
}

// Close closes the directory.
func (d *joinedDir) Close() error {
	if d.entries != nil {
		d.entries.Close()
	}
	return d.File.Close()
}

// Readdir returns the next n entries, or all if n is not positive, as that of package os.
func (d *joinedDir) Readdir(n int) ([]fs.FileInfo, error) {
	if d.entries == nil {
		entries, err := d.tree.OpenDir(d.full, Everything)
		if err != nil {
			return nil, err
		}
		d.entries = entries
	}
	for n <= 0 || len(d.left) < n {
		infos, err := d.entries.Next()
		for _, info := range infos {
			if link, ok := info.(*Link); ok {
				info = link.FileInfo // as package os describes it
			}
			d.left = append(d.left, info)
		}
		switch {
		case err == io.EOF && (n <= 0 || len(d.left) > 0): //nolint:errorlint // the bare value, as from a Reader
			return d.take(len(d.left)), nil
		case err != nil:
			return d.take(len(d.left)), err
		}
	}
	return d.take(n), nil
}

func (d *joinedDir) take(n int) []fs.FileInfo {
	infos := d.left[:min(n, len(d.left))]
	d.left = d.left[len(infos):]
	return infos
}

// Readdirnames is Readdir for names.
func (d *joinedDir) Readdirnames(n int) ([]string, error) {
	infos, err := d.Readdir(n)
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Name()
	}
	return names, err
}

// noDir stands for a directory that no tree has.
type noDir struct{ afero.File }

func (noDir) Close() error { return nil }
func (noDir) Sync() error  { return nil }

func (noDir) Seek(int64, int) (int64, error)     { return 0, syscall.EISDIR }
func (noDir) ReadAt([]byte, int64) (int, error)  { return 0, syscall.EISDIR }
func (noDir) WriteAt([]byte, int64) (int, error) { return 0, syscall.EISDIR }
func (noDir) WriteString(string) (int, error)    { return 0, syscall.EISDIR }
func (noDir) Truncate(int64) error               { return syscall.EISDIR }
