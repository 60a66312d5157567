package vfs

import (
	"io/fs"
	"path"
	"path/filepath"
	"reflect"

	"github.com/spf13/afero"
)

// Tree is the file system interface that the servers use. [Root] implements it; [Of] makes one of any other afero.Fs.
//
// Names and errors are as for [Root]. Beyond the contract of afero.Fs:
//
//   - Open and OpenFile return an [*os.File] if the content is that of one, so that sendfile(2) and splice(2) work; or,
//     if it has another description, a file of which [Content] returns the [*os.File]. Every other file is for one
//     goroutine at a time; its ReadAt and WriteAt keep the contracts of package io. Only regular files and directories
//     are opened, and no open waits for a FIFO.
//   - Stat, Lstat, ReadDir, Entry and Entries return values that do not change when the file does.
//   - Remove refuses a directory, and Rename does not replace one.
//   - Methods that change the tree call [CountChange] before they return.
type Tree interface {
	afero.Fs

	// Lstat describes name itself, also if it is a link or a special file.
	Lstat(name string) (fs.FileInfo, error)

	// ReadDir returns the regular files and directories in the directory name, sorted by name. A link is described by
	// its target.
	ReadDir(name string) ([]fs.FileInfo, error)

	// Entry is Lstat, but describes a symbolic link by a *Link.
	Entry(name string) (fs.FileInfo, error)

	// Entries describes everything in the directory name, as Entry does, sorted by name.
	Entries(name string) ([]fs.FileInfo, error)

	// Walk calls f for each entry beneath the directory name, as [Root.Walk] does.
	Walk(name string, f filepath.WalkFunc) error

	// Readable returns nil if the file name can be opened for reading, else the reason. It uses a cheaper check than
	// opening the file if there is one.
	Readable(name string) error

	// RemoveDir removes an empty directory, but not the root.
	RemoveDir(name string) error

	// Symlink makes name a link to target; both are names in the tree. The error is [errors.ErrUnsupported] if the
	// file system has no links, or cannot be kept from making one that leads out of the tree.
	Symlink(target, name string) error

	// Free returns the free space for files in the directory name, in bytes. The error is [errors.ErrUnsupported] if
	// it is not known.
	Free(name string) (int64, error)
}

var _ = [...]Tree{(*Root)(nil), (*adapter)(nil), (*Joined)(nil)}

// Of returns fsys as a Tree: fsys itself if it is a [Root], a [Joined], or was returned by Of, and else an adapter. fsys must not be
// nil (see [IsNil]).
//
// A type that embeds a Root gets an adapter too, and only its methods of afero.Fs are called: a type that hides or
// encrypts files need not override the other methods of Root.
//
// fsys decides where links lead, and which file a name beneath the root means. (An afero.BasePathFs over an
// afero.OsFs follows links out of its directory; [Open] does not.) The adapter corrects the files of fsys: see [Tree].
// A call that does not return within half a minute fails with [ErrNotResponding], and a panic becomes an error.
//
// fsys gets names that begin with a slash, with two exceptions: file systems without such a root, as every [fs.FS]
// behind an afero.FromIOFS, and those that show fewer files there, as an afero.CopyOnWriteFs over one. The adapter lists
// the root once to find out. A method NoSpecialFiles() of fsys says that it has neither FIFOs nor devices; then Open is not
// preceded by a call of Stat. A method Remote() says that each call is a request to another machine, see [IsRemote].
func Of(fsys afero.Fs) Tree {
	switch t := fsys.(type) {
	case *Root:
		return t
	case *adapter:
		return t
	case *Joined:
		return t
	}
	return newAdapter(fsys)
}

// IsNil reports whether fsys is nil, a nil *Root, or a Root that was never opened.
func IsNil(fsys afero.Fs) bool {
	root, ok := fsys.(*Root)
	return fsys == nil || ok && (root == nil || root.shared == nil)
}

// Sub returns the directory name of t and everything beneath it as a Tree of its own. The caller calls done after the
// last use.
func Sub(t Tree, name string) (sub Tree, done func(), err error) {
	if root, ok := t.(*Root); ok {
		below, err := root.Sub(name)
		if err != nil {
			return nil, nil, err
		}
		return below, func() { _ = below.Close() }, nil
	}
	if joined, ok := t.(*Joined); ok {
		return joined.sub(name)
	}
	a, ok := t.(*adapter)
	if !ok { // a Tree of another package
		a = newAdapter(t)
	}
	below, err := a.sub(name)
	if err != nil {
		return nil, nil, err
	}
	return below, func() {}, nil
}

// IsRemote reports whether each look at the file that t calls name is a request to another machine, as its file system says:
// then it is worth some effort not to look twice.
func IsRemote(t Tree, name string) bool {
	a, _, ok := adapterAt(t, name)
	if !ok {
		return false
	}
	_, ok = a.fs.(interface{ Remote() })
	return ok
}

// adapterAt returns the adapter that has the file that t calls name, and its name there. It is not ok if that is another Tree.
func adapterAt(t Tree, name string) (a *adapter, inTree string, ok bool) {
	t, inTree = Unjoined(below(t), name)
	a, ok = t.(*adapter)
	return a, inTree, ok
}

// IsSame reports whether every name means the same file in both trees, as far as can be known.
func IsSame(a, b Tree) bool {
	if one, ok := a.(*Joined); ok {
		other, ok := b.(*Joined)
		return ok && one.isSame(other)
	}
	x, ok1 := a.(*adapter)
	y, ok2 := b.(*adapter)
	if ok1 && ok2 {
		return x.base == y.base && equal(x.fs, y.fs)
	}
	return ok1 == ok2 && equal(a, b)
}

// IsSameFile reports whether name in a and other in b are names of the same file. It compares names without access to
// the disk, so a link and its target are different files. Names in a tree and in a Sub of it are comparable, except for
// a [Root] (use os.SameFile for its files).
func IsSameFile(a Tree, name string, b Tree, other string) bool {
	a, name = Unjoined(a, name)
	b, other = Unjoined(b, other)
	x, ok1 := a.(*adapter)
	y, ok2 := b.(*adapter)
	if ok1 && ok2 && equal(x.fs, y.fs) {
		one, err1 := x.fullName(name)
		two, err2 := y.fullName(other)
		return err1 == nil && err2 == nil && path.Clean("/"+one) == path.Clean("/"+two)
	}
	one, err1 := cleanName(name)
	two, err2 := cleanName(other)
	return err1 == nil && err2 == nil && one == two && IsSame(a, b)
}

// equal reports whether a == b, without a panic for types that are not comparable.
func equal(a, b afero.Fs) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}
