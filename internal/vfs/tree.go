package vfs

import (
	"io/fs"
	"path"
	"path/filepath"
	"reflect"

	"github.com/spf13/afero"
)

// Tree is what the servers ask of a file system. [Root] is one; [Of] makes one of any other afero.Fs.
//
// Names are as [Root] takes them, and errors as it returns them. Beyond what afero asks for:
//
//   - Open and OpenFile return an [*os.File] where the bytes are those of one, so that sendfile(2) and splice(2) can
//     move them. Every other file is for one goroutine at a time; its ReadAt and WriteAt keep the contracts of package
//     io and disturb nothing else. None is anything but a regular file or a directory, and no open waits for a FIFO.
//   - Stat, Lstat, ReadDir, Entry and Entries return values that do not change when the file does.
//   - Remove refuses a directory, and Rename does not replace one.
//   - Methods that change something have called [CountChange] when they return.
type Tree interface {
	afero.Fs

	// Lstat describes name itself, be it a link or a special file.
	Lstat(name string) (fs.FileInfo, error)

	// ReadDir returns the regular files and directories in the directory name, sorted by name; links are described
	// by what they lead to.
	ReadDir(name string) ([]fs.FileInfo, error)

	// Entry describes name itself, a symbolic link by a *Link.
	Entry(name string) (fs.FileInfo, error)

	// Entries describes all that is in the directory name, as Entry does, sorted by name.
	Entries(name string) ([]fs.FileInfo, error)

	// Walk calls f for each entry beneath the directory name, as [Root.Walk] does.
	Walk(name string, f filepath.WalkFunc) error

	// Readable returns why the file name cannot be opened for reading, as far as that can be found out for less than
	// it costs to open it, or else by opening it; nil means that it can.
	Readable(name string) error

	// RemoveDir removes an empty directory, but not the root.
	RemoveDir(name string) error

	// Symlink makes name a link to target; both are names in the tree. Where that cannot be done, or not without
	// leading out of the tree, the error is [errors.ErrUnsupported].
	Symlink(target, name string) error

	// Free returns how many bytes files in the directory name may yet take; [errors.ErrUnsupported] means that
	// nobody knows.
	Free(name string) (int64, error)
}

var _ = [...]Tree{(*Root)(nil), (*adapter)(nil)}

// Of returns fsys, which is something (see [IsNil]), as a Tree: itself if it is a [Root] or came from here, and else an adapter.
//
// A type that embeds a Root gets an adapter too, and of its methods only those of afero.Fs are called: to hide or to
// encrypt files it need not know what else a Root has.
//
// The adapter trusts fsys as far as its operator must: where links lead, and what a name beneath the root means, is
// up to fsys. (An afero.BasePathFs over an afero.OsFs follows links out of its directory; [Open] does not.) It does
// not trust the files of fsys: see [Tree]. A call that does not return within half a minute is given up with
// [ErrNotResponding], and the panic of one becomes its error.
//
// Names begin with a slash when fsys gets them, unless it has no such root, as every [fs.FS] behind an
// afero.FromIOFS, or shows less there, as an afero.CopyOnWriteFs over one: its root is listed once to find out.
func Of(fsys afero.Fs) Tree {
	switch t := fsys.(type) {
	case *Root:
		return t
	case *adapter:
		return t
	}
	return newAdapter(fsys)
}

// IsNil reports whether fsys is none: nil, or a Root that was never opened.
func IsNil(fsys afero.Fs) bool {
	root, ok := fsys.(*Root)
	return fsys == nil || ok && (root == nil || root.shared == nil)
}

// Sub returns the directory name of t, and what lies beneath it, as a Tree of its own. The caller calls done when
// nobody uses it any more.
func Sub(t Tree, name string) (sub Tree, done func(), err error) {
	if root, ok := t.(*Root); ok {
		below, err := root.Sub(name)
		if err != nil {
			return nil, nil, err
		}
		return below, func() { _ = below.Close() }, nil
	}
	a, ok := t.(*adapter)
	if !ok { // another package's own
		a = newAdapter(t)
	}
	below, err := a.sub(name)
	if err != nil {
		return nil, nil, err
	}
	return below, func() {}, nil
}

// IsSame reports whether a name means the same file in both trees, as far as that can be told.
func IsSame(a, b Tree) bool {
	x, ok1 := a.(*adapter)
	y, ok2 := b.(*adapter)
	if ok1 && ok2 {
		return x.base == y.base && equal(x.fs, y.fs)
	}
	return ok1 == ok2 && equal(a, b)
}

// IsSameFile reports whether name in a and other in b mean the same file, as far as names can tell: it looks at no
// file, and so a link is not what it leads to. A tree that Sub has made is part of the one that it was made of, unless
// these are [Root] (of whose files os.SameFile knows more).
func IsSameFile(a Tree, name string, b Tree, other string) bool {
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

// equal compares two file systems, some kinds of which cannot be compared.
func equal(a, b afero.Fs) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}
