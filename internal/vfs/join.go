package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spf13/afero"

	"sluice/internal/mounts"
)

// Joined is a [Tree] that shows other trees at some of its directories, which are called places here. A name belongs to the
// place with the longest path above it, else to the main tree. Files of the main tree at a place are hidden; directories on
// the way to a place need not exist.
//
// Names are compared as text. A link leads nowhere but within its own tree: not to a place, and a link to what a place hides
// leads there still. So does another spelling, where the main tree ignores case. It is best if the main tree has nothing there.
//
// A place, and a directory above one, can be neither moved, replaced nor removed. To rename from one tree to another is
// EXDEV.
type Joined struct {
	main   Tree
	places []*place // the longest path first
}

type place struct {
	path string // absolute and clean, without a slash at its end; not "/"
	tree Tree
	root atomic.Pointer[fs.FileInfo] // of the tree, as it was last seen
}

// ErrPlace means that a directory cannot be moved, replaced or removed, because another tree is shown there or beneath it.
var ErrPlace error = refusal("another file system is shown here, which cannot be moved, replaced or removed")

// Join returns a Tree that shows main, and each of places at the path that is its key, which begins with a slash. The caller
// closes the trees.
func Join(main Tree, places map[string]Tree) (*Joined, error) {
	j := &Joined{main: main}
	for name, tree := range places {
		cleaned, err := cleanName(name)
		switch {
		case err != nil, !strings.HasPrefix(name, "/"):
			return nil, fmt.Errorf("%q is not the path of a directory: it must begin with a slash", name)
		case cleaned == ".":
			return nil, errors.New("the root cannot be a place: make its file system the main one")
		case slices.ContainsFunc(j.places, func(p *place) bool { return p.path == "/"+cleaned }):
			return nil, fmt.Errorf("two file systems are for the same place /%s", cleaned)
		}
		p := &place{path: "/" + cleaned, tree: tree}
		if _, err := p.stat(); err != nil {
			return nil, fmt.Errorf("the file system for %s: %w", p.path, withoutPath(err))
		}
		j.places = append(j.places, p)
	}
	slices.SortFunc(j.places, func(a, b *place) int {
		if n := len(b.path) - len(a.path); n != 0 {
			return n
		}
		return strings.Compare(a.path, b.path)
	})
	return j, nil
}

// Map returns a Joined that shows f of each tree of j in its place, which is "/" for the main one. Unlike Join it asks no tree
// for anything.
func (j *Joined) Map(f func(at string, t Tree) Tree) *Joined {
	mapped := &Joined{main: f("/", j.main)}
	for _, p := range j.places {
		next := &place{path: p.path, tree: f(p.path, p.tree)}
		next.root.Store(p.root.Load())
		mapped.places = append(mapped.places, next)
	}
	return mapped
}

// JoinFS is Join for any file systems.
func JoinFS(main afero.Fs, others map[string]afero.Fs) (afero.Fs, error) {
	places := make(map[string]Tree, len(others))
	for name, fsys := range others {
		if IsNil(fsys) {
			return nil, fmt.Errorf("the file system for %s is nil", name)
		}
		places[name] = Of(fsys)
	}
	if IsNil(main) {
		return nil, errors.New("the main file system is nil")
	}
	j, err := Join(Of(main), places)
	if err != nil {
		return nil, err // not j: a nil pointer in an interface is not nil
	}
	return j, nil
}

// stat describes the root of the place.
func (p *place) stat() (fs.FileInfo, error) {
	info, err := p.tree.Stat("/")
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, err
	}
	p.root.Store(&info)
	return info, nil
}

// info returns what is known about the place, under the name that it has in its parent. It asks nobody: a listing must not
// wait for the file systems in it.
func (p *place) info() fs.FileInfo { return snapshot(*p.root.Load(), p.path) }

// found is the tree that a name belongs to.
type found struct {
	Tree
	name  string // in the tree, absolute
	place *place // nil: the main tree
	full  string // in the Joined, absolute and clean
}

// find returns the tree that has the file that a client calls name.
func (j *Joined) find(name string) found {
	cleaned, err := cleanName(name)
	if err != nil {
		return found{Tree: j.main, name: name, full: name} // it refuses the name
	}
	full := path.Join("/", cleaned)
	for _, p := range j.places {
		if rest, ok := strings.CutPrefix(full, p.path); ok && (rest == "" || rest[0] == '/') {
			return found{Tree: p.tree, name: path.Join("/", rest), place: p, full: full}
		}
	}
	return found{Tree: j.main, name: full, full: full}
}

// isPlace reports whether the name is that of a place.
func (f *found) isPlace() bool { return f.place != nil && f.name == "/" }

// outer returns the name in the Joined of a file that the tree calls name, which is absolute and clean.
func (f *found) outer(name string) string {
	if f.place == nil {
		return name
	}
	return path.Join(f.place.path, name)
}

// hasBeneath reports whether there is a place beneath the directory full.
func (j *Joined) hasBeneath(full string) bool {
	prefix := strings.TrimSuffix(full, "/") + "/"
	return slices.ContainsFunc(j.places, func(p *place) bool { return strings.HasPrefix(p.path, prefix) })
}

// isWay reports whether full is a directory above a place, other than the root, and so is there although the tree may
// have nothing of that name.
func (j *Joined) isWay(full string) bool { return full != "/" && j.hasBeneath(full) }

// fail gives an error of a tree the name that the client has used.
func (f *found) fail(name string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: e.Op, Path: name, Err: e.Err}
	}
	return err
}

// ask returns the result of a method of the tree that a name belongs to.
func ask[T any](j *Joined, name string, f func(t Tree, name string) (T, error)) (T, error) {
	at := j.find(name)
	value, err := f(at.Tree, at.name)
	if err != nil {
		var none T
		return none, at.fail(name, err)
	}
	return value, nil
}

// Name returns the name of this kind of file system. It is part of afero.Fs.
func (j *Joined) Name() string { return "joined" }

// CanWrite reports whether files may be changed in any of the trees, as far as they say so.
func (j *Joined) CanWrite() bool {
	mayWrite := func(t Tree) bool {
		w, ok := t.(interface{ CanWrite() bool })
		return !ok || w.CanWrite()
	}
	return mayWrite(j.main) || slices.ContainsFunc(j.places, func(p *place) bool { return mayWrite(p.tree) })
}

// Stat describes the file that name leads to.
func (j *Joined) Stat(name string) (fs.FileInfo, error) { return j.describe(name, Tree.Stat) }

// Lstat describes name itself.
func (j *Joined) Lstat(name string) (fs.FileInfo, error) { return j.describe(name, Tree.Lstat) }

// Entry is Lstat, but describes a symbolic link by a *Link.
func (j *Joined) Entry(name string) (fs.FileInfo, error) { return j.describe(name, Tree.Entry) }

// LstatIfPossible is Lstat for afero.Lstater.
func (j *Joined) LstatIfPossible(name string) (fs.FileInfo, bool, error) {
	info, err := j.Lstat(name)
	return info, true, err
}

func (j *Joined) describe(name string, f func(t Tree, name string) (fs.FileInfo, error)) (fs.FileInfo, error) {
	at := j.find(name)
	if at.isPlace() {
		info, err := at.place.stat()
		if err != nil {
			return nil, at.fail(name, err)
		}
		return snapshot(info, at.full), nil
	}
	info, err := f(at.Tree, at.name)
	if (err != nil || !info.IsDir()) && j.isWay(at.full) {
		return j.wayInfo(at.full), nil
	}
	if err != nil {
		return nil, at.fail(name, err)
	}
	return info, nil
}

// wayInfo describes a directory that is there only because a place is beneath it.
func (j *Joined) wayInfo(full string) fs.FileInfo {
	i := slices.IndexFunc(j.places, func(p *place) bool { return strings.HasPrefix(p.path, full+"/") })
	return &fileInfo{name: path.Base(full), mode: fs.ModeDir | 0o755, modTime: j.places[i].info().ModTime()}
}

// Open opens name for reading.
func (j *Joined) Open(name string) (afero.File, error) { return j.OpenFile(name, os.O_RDONLY, 0) }

// Create creates or truncates name and opens it for reading and writing.
func (j *Joined) Create(name string) (afero.File, error) {
	return j.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile opens name with the flags of os.OpenFile.
func (j *Joined) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	at := j.find(name)
	isAbove := j.hasBeneath(at.full)
	if isAbove && flag&writing != 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	}
	if !isAbove {
		f, err := at.OpenFile(at.name, flag, perm)
		if err != nil {
			return nil, at.fail(name, err)
		}
		return f, nil
	}
	info, err := j.Stat(name)
	if err != nil {
		return nil, err
	}
	f, err := at.OpenFile(at.name, flag, perm)
	if err != nil {
		f = nil // the directory is only a way to a place
	}
	return newJoinedDir(j, at.full, info, f), nil
}

// Readable returns nil if the file name can be opened for reading, else the reason.
func (j *Joined) Readable(name string) error {
	if j.hasBeneath(j.find(name).full) {
		_, err := j.Stat(name)
		return err
	}
	_, err := ask(j, name, func(t Tree, name string) (struct{}, error) { return struct{}{}, t.Readable(name) })
	return err
}

// Free returns the free space for files in the directory name.
func (j *Joined) Free(name string) (int64, error) { return ask(j, name, Tree.Free) }

// Capacity returns the size of the file system of the directory name. The error is [errors.ErrUnsupported] if it is not
// known.
func (j *Joined) Capacity(name string) (int64, error) {
	return ask(j, name, func(t Tree, name string) (int64, error) {
		if c, ok := t.(interface {
			Capacity(name string) (int64, error)
		}); ok {
			return c.Capacity(name)
		}
		return 0, errors.ErrUnsupported
	})
}

// RootOf returns the Root that has the file that t calls name, and its name there: t itself if it is a Root, or one that t
// joins. It is not ok for other trees, and for names that may be there although the Root does not have them.
func RootOf(t Tree, name string) (root *Root, inRoot string, ok bool) {
	switch t := t.(type) {
	case *Root:
		return t, name, true
	case *Joined:
		at := t.find(name)
		if t.hasBeneath(at.full) {
			return nil, "", false
		}
		return RootOf(at.Tree, at.name)
	}
	return nil, "", false
}

// Unjoined returns the tree that has the file that t calls name, and its name there: t itself if it joins nothing.
func Unjoined(t Tree, name string) (Tree, string) {
	for {
		joined, ok := t.(*Joined)
		if !ok {
			return t, name
		}
		at := joined.find(name)
		t, name = at.Tree, at.name
	}
}

// isSame reports whether both join the same trees.
func (j *Joined) isSame(other *Joined) bool {
	return IsSame(j.main, other.main) && slices.EqualFunc(j.places, other.places, func(a, b *place) bool {
		return a.path == b.path && IsSame(a.tree, b.tree)
	})
}

// sub returns the directory name and everything beneath it.
func (j *Joined) sub(name string) (sub Tree, done func(), err error) {
	at := j.find(name)
	var below map[string]Tree
	for _, p := range j.places {
		if rest, ok := strings.CutPrefix(p.path, strings.TrimSuffix(at.full, "/")+"/"); ok {
			if below == nil {
				below = make(map[string]Tree)
			}
			below["/"+rest] = p.tree
		}
	}
	info, err := j.Stat(name)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return nil, nil, err
	}
	main, done, err := Sub(at.Tree, at.name)
	switch {
	case err != nil && below == nil:
		return nil, nil, at.fail(name, err)
	case err != nil: // the directory is only a way to a place
		main, done = Of(afero.NewReadOnlyFs(afero.NewMemMapFs())), func() {}
	case below == nil:
		return main, done, nil
	}
	joined, err := Join(main, below)
	if err != nil {
		done()
		return nil, nil, err
	}
	return joined, done, nil
}

// mountOfFile returns the mount of an open file, as far as the system says which that is.
func (j *Joined) mountOfFile(f *os.File) *mounts.Mount {
	if m := mounts.OfFile(f); m != nil {
		return m
	}
	return MountOf(j.main, "/")
}
