// Package rightsfs shows a file tree as far as the rights of an account by path allow.
//
// A [Tree] is for reading alone: what the account may neither list nor read is absent
// from it, in every method, so that all commands and protocols that read through it agree.
// Changes go to the tree below, after the caller has asked for RightsAt or RightsBelow.
//
// # Design
//
// Rights are those of the name that the client gave, and also those of the name where
// links lead: a link gives no right to what it leads to, and no path is reached under
// another name. A configured path counts under every name that the file system takes for
// it, so no other spelling reaches it where capital and small letters are the same. A
// file system that is not a vfs.Root does not show that: there the difference of capital
// and small letters alone never gives more rights.
//
// An account with rights by path can make no links, so only others can exchange one while
// it is followed: other accounts with the right Link, and other programs. On Linux a file
// is opened by its name without links, and the kernel refuses any that has come since, so
// the content of a file is never read without the right. Names in a listing, and changes,
// follow links after the rights were asked for.
package rightsfs

import (
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/account"
	"sluice/internal/vfs"
)

// Tree is a view of a tree. Names are absolute and clean, except in methods of vfs.Tree.
type Tree struct {
	below vfs.Tree
	paths *account.Paths
	all   []account.PathRights // of paths
	base  account.Rights       // of names in none of the paths
	same  bool                 // the rights are the same everywhere
}

var _ vfs.Tree = (*Tree)(nil)

// New returns a view of t for an account with the rights base, and others at paths, which
// may be nil.
func New(t vfs.Tree, base account.Rights, paths *account.Paths) *Tree {
	v := &Tree{below: t, paths: paths, all: paths.All(), base: base & account.All}
	v.same = !slices.ContainsFunc(v.all, func(at account.PathRights) bool { return at.Path != "/" })
	return v
}

// IsNeeded reports whether an account with such rights sees less than the whole tree.
func IsNeeded(base account.Rights, paths *account.Paths) bool {
	return paths != nil || !base.Has(account.Read)
}

// Below returns the tree that t shows a part of.
func (t *Tree) Below() vfs.Tree { return t.below }

// at returns the rights at a name without links.
func (t *Tree) at(name string) account.Rights { return t.paths.At(name, t.base) }

// RightsAt returns the rights to what is called name, and to what it leads to.
func (t *Tree) RightsAt(name string) account.Rights {
	rights := t.at(name)
	for _, other := range t.otherNames(name) {
		rights &= t.at(other)
	}
	return rights
}

// RightsBelow returns the rights to name and to all that may be below it: what a change
// of a whole directory needs.
func (t *Tree) RightsBelow(name string) account.Rights {
	rights := t.paths.Below(name, t.base)
	for _, other := range t.otherNames(name) {
		rights &= t.paths.Below(other, t.base)
	}
	return rights
}

// Sees reports whether a file or directory of that name exists for the account, if the
// tree has one.
func (t *Tree) Sees(name string) bool {
	if !t.paths.Sees(name, t.base) {
		return false
	}
	return !slices.ContainsFunc(t.otherNames(name), func(other string) bool { return !t.paths.Sees(other, t.base) })
}

// otherNames returns the other names of what name means: without links in its directory,
// and without a link at its end. If links cannot be resolved, the tree below refuses to
// follow them too.
func (t *Tree) otherNames(name string) (others []string) {
	if t.same {
		return nil
	}
	add := func(real string) {
		if real = t.configured(real); real != name {
			others = append(others, real)
		}
	}
	if dir, err := vfs.RealName(t.below, path.Dir(name)); err == nil && name != "/" {
		add(path.Join(dir, path.Base(name)))
	}
	if end, err := vfs.RealName(t.below, name); err == nil {
		add(end)
	}
	return others
}

// configured returns name as the configuration spells it, if a directory of name, or name
// itself, is one of the paths, or on the way to one, in another spelling.
func (t *Tree) configured(name string) string {
	for _, at := range t.all {
		n := min(strings.Count(name, "/"), strings.Count(at.Path, "/"))
		top, other := firstElements(name, n), firstElements(at.Path, n)
		if top != "" && other != "" && top != other && t.isSame(top, other) {
			return other + name[len(top):]
		}
	}
	return name
}

// isSame reports whether two names are those of one file.
func (t *Tree) isSame(one, other string) bool {
	if _, _, ok := vfs.RootOf(t.below, one); !ok { // it does not show which file is which
		return strings.EqualFold(one, other)
	}
	a, err1 := t.below.Lstat(one)
	b, err2 := t.below.Lstat(other)
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

// firstElements returns the first n elements of an absolute path, or "" if it has fewer.
func firstElements(name string, n int) string {
	for i := 1; i < len(name); i++ {
		if name[i] != '/' {
			continue
		}
		if n--; n == 0 {
			return name[:i]
		}
	}
	if n == 1 && name != "/" {
		return name
	}
	return ""
}

// MayList reports whether the directory name can be listed. Where the account has no
// rights, or only Create, a listing has nothing but the ways to paths with rights.
func (t *Tree) MayList(name string) bool {
	rights := t.RightsAt(name)
	return rights.Has(account.List) || rights&^account.Create == 0 && t.paths.Passes(name, t.base) && t.Sees(name)
}

func clean(name string) string { return path.Clean("/" + name) }

func absent(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Open opens a directory that exists for the account, or a file that it may read.
func (t *Tree) Open(name string) (afero.File, error) {
	at := clean(name)
	rights := t.RightsAt(at)
	switch {
	case rights.Has(account.Read) && t.same:
		return t.below.Open(name)
	case rights.Has(account.Read):
		return t.openReal(name)
	case !t.Sees(at):
		return nil, absent("open", name)
	}
	f, err := t.below.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.IsDir() {
		err = unreadable(name, rights)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// openReal opens a file that may be read. A link may have been exchanged since the rights
// were asked for, so it asks once more for the name that was opened.
func (t *Tree) openReal(name string) (afero.File, error) {
	f, real, err := vfs.OpenReal(t.below, name)
	if err != nil {
		return nil, err
	}
	if rights := t.at(t.configured(real)); !rights.Has(account.Read) {
		_ = f.Close()
		return nil, unreadable(name, rights)
	}
	return f, nil
}

// OpenFile is Open for reading.
func (t *Tree) OpenFile(name string, flag int, _ fs.FileMode) (afero.File, error) {
	if flag != os.O_RDONLY {
		return nil, readOnly("open", name)
	}
	return t.Open(name)
}

// query calls f for a name that exists for the account.
func query[T any](t *Tree, op, name string, f func(string) (T, error)) (T, error) {
	if !t.Sees(clean(name)) {
		var none T
		return none, absent(op, name)
	}
	return f(name)
}

// Stat describes name. It follows links.
func (t *Tree) Stat(name string) (fs.FileInfo, error) { return query(t, "stat", name, t.below.Stat) }

// Lstat describes name itself.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) { return query(t, "lstat", name, t.below.Lstat) }

// Entry describes name, and a link by a *vfs.Link.
func (t *Tree) Entry(name string) (fs.FileInfo, error) { return query(t, "lstat", name, t.below.Entry) }

// Readable returns why the file name cannot be read; nil: it can.
func (t *Tree) Readable(name string) error {
	rights := t.RightsAt(clean(name))
	if rights.Has(account.Read) {
		return t.below.Readable(name)
	}
	return unreadable(name, rights)
}

// unreadable is the error for a file without the right Read. Only those who may list it
// learn that it is there.
func unreadable(name string, rights account.Rights) error {
	if rights.Has(account.List) {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return absent("open", name)
}

// Free returns the free space for files in the directory name.
func (t *Tree) Free(name string) (int64, error) { return query(t, "free", name, t.below.Free) }

// ReadDir returns the files and directories in the directory name that the account sees.
func (t *Tree) ReadDir(name string) ([]fs.FileInfo, error) {
	return t.list("readdir", name, t.below.ReadDir)
}

// Entries is ReadDir with links and special files.
func (t *Tree) Entries(name string) ([]fs.FileInfo, error) {
	return t.list("readdir", name, t.below.Entries)
}

func (t *Tree) list(op, name string, list func(string) ([]fs.FileInfo, error)) ([]fs.FileInfo, error) {
	at := clean(name)
	if !t.MayList(at) {
		return nil, absent(op, name)
	}
	infos, err := list(name)
	l := t.listing(at)
	return slices.DeleteFunc(slices.Clone(infos), func(info fs.FileInfo) bool { return !l.shows(info.Name(), l.links[info.Name()]) }), err
}

// OpenDir opens the directory name to read the entries that the account sees.
func (t *Tree) OpenDir(name string, kind vfs.EntryKind) (*vfs.Dir, error) {
	at := clean(name)
	if !t.MayList(at) {
		return nil, absent("readdir", name)
	}
	dir, err := vfs.OpenDir(t.below, name, vfs.Everything) // it says which entries are links
	if err != nil {
		return nil, err
	}
	l := t.openListing(at)
	next := func() ([]fs.FileInfo, error) {
		infos, err := dir.Next()
		shown := make([]fs.FileInfo, 0, len(infos))
		for _, info := range infos {
			link, isLink := info.(*vfs.Link)
			switch {
			case !l.shows(info.Name(), isLink):
				continue
			case kind == vfs.Openable && isLink:
				info = link.End
			case kind == vfs.Openable && !info.Mode().IsRegular() && !info.IsDir():
				continue
			}
			if info != nil {
				shown = append(shown, info)
			}
		}
		return shown, err
	}
	return vfs.DirOf(next, dir.Close), nil
}

// listing is a directory of which entries are shown.
type listing struct {
	tree     *Tree
	dir      string
	isListed bool            // its entries are; else only the ways to paths with rights
	realDir  string          // dir without links
	links    map[string]bool // names of links; nil: openListing has made it
	slow     bool            // it is not known what is a link
}

func (t *Tree) openListing(dir string) *listing {
	l := &listing{tree: t, dir: dir, isListed: t.RightsAt(dir).Has(account.List), realDir: dir}
	if t.same {
		return l
	}
	real, err := vfs.RealName(t.below, dir)
	if l.slow = err != nil; !l.slow {
		l.realDir = t.configured(real)
	}
	return l
}

// listing is openListing for a caller that does not know what is a link.
func (t *Tree) listing(dir string) *listing {
	l := t.openListing(dir)
	if t.same || l.slow {
		return l
	}
	entries, err := vfs.OpenDir(t.below, dir, vfs.Everything)
	if l.slow = err != nil; l.slow {
		return l
	}
	defer entries.Close()
	l.links = make(map[string]bool)
	for {
		infos, err := entries.Next()
		if err != nil {
			l.slow = err != io.EOF //nolint:errorlint // the bare value, as from a Reader
			return l
		}
		for _, info := range infos {
			if info.Mode().Type() == fs.ModeSymlink {
				l.links[info.Name()] = true
			}
		}
	}
}

// shows reports whether the entry is shown. Only for a link it asks the disk.
func (l *listing) shows(name string, isLink bool) bool {
	t, full := l.tree, path.Join(l.dir, name)
	if !t.paths.Sees(full, t.base) || !l.isListed && !t.paths.Passes(full, t.base) {
		return false
	}
	other := path.Join(l.realDir, name)
	isOtherSpelling := func(at account.PathRights) bool {
		way := firstElements(at.Path, strings.Count(other, "/"))
		return way != other && strings.EqualFold(way, other)
	}
	if l.slow || isLink || slices.ContainsFunc(t.all, isOtherSpelling) {
		return t.Sees(full)
	}
	return t.paths.Sees(other, t.base)
}

// Walk calls f for each entry beneath the directory name that listings show.
func (t *Tree) Walk(name string, f filepath.WalkFunc) error {
	top := clean(name)
	if !t.MayList(top) {
		return absent("readdir", name)
	}
	l := t.listing(top)
	return t.below.Walk(name, func(rel string, info fs.FileInfo, err error) error {
		full := path.Join(top, rel)
		if parent := path.Dir(full); parent != l.dir {
			l = t.listing(parent)
		}
		if name := path.Base(full); l.shows(name, l.links[name]) {
			return f(rel, info, err)
		}
		if info.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
}

// Name returns the name of the file system.
func (t *Tree) Name() string { return t.below.Name() }

// The methods below change nothing.

func readOnly(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: vfs.ErrReadOnly}
}

// Create fails.
func (t *Tree) Create(name string) (afero.File, error) { return nil, readOnly("create", name) }

// Mkdir fails.
func (t *Tree) Mkdir(name string, _ fs.FileMode) error { return readOnly("mkdir", name) }

// MkdirAll fails.
func (t *Tree) MkdirAll(name string, _ fs.FileMode) error { return readOnly("mkdir", name) }

// Remove fails.
func (t *Tree) Remove(name string) error { return readOnly("remove", name) }

// RemoveDir fails.
func (t *Tree) RemoveDir(name string) error { return readOnly("remove", name) }

// RemoveAll fails.
func (t *Tree) RemoveAll(name string) error { return readOnly("remove", name) }

// Rename fails.
func (t *Tree) Rename(name, _ string) error { return readOnly("rename", name) }

// Chmod fails.
func (t *Tree) Chmod(name string, _ fs.FileMode) error { return readOnly("chmod", name) }

// Chown fails.
func (t *Tree) Chown(name string, _, _ int) error { return readOnly("chown", name) }

// Chtimes fails.
func (t *Tree) Chtimes(name string, _, _ time.Time) error { return readOnly("chtimes", name) }

// Symlink fails.
func (t *Tree) Symlink(_, name string) error { return readOnly("symlink", name) }
