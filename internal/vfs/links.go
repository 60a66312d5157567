package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/afero"

	"sluice/internal/mounts"
)

// Clients may make and move links, but no link of theirs may lead out of the tree: this package would not follow such a
// link, but other programs and users of a larger tree would. A new link therefore contains the relative path from its
// real directory, without links, to its target. Before a move to another directory, Rename checks where the moved link,
// or the links in a moved directory, will lead. A rename within a directory needs no check, since links lead where they
// led before.

// Errors of making and moving links.
var (
	// ErrLeadsOut means that a symbolic link would lead out of the tree afterwards.
	ErrLeadsOut error = refusal("a link would lead out of the tree")
	// ErrTooManyEntries means that a directory has too many entries to search them for such links.
	ErrTooManyEntries error = refusal("the directory has too many entries to check that no link in it would lead out of the tree")
)

// maxSearched is how many entries of a moved directory are searched for links, which takes 0.7 s on two busy cores. Tests
// change it.
var maxSearched = 100_000

// maxLinks is how many links are followed for one path, as on Linux.
const maxLinks = 40

// linkResolver resolves names and links in a tree. Its paths have slashes, and the root is ".". If old is set, it resolves
// as if old had already been moved to new.
type linkResolver struct {
	lstat    func(path string) (fs.FileInfo, error)
	readlink func(path string) (string, error)
	old, new string // paths without links in their directories
}

// currentPath returns the present path of a file that has the path name after the move, or "" if there is no such file.
func (r *linkResolver) currentPath(name string) string {
	if r.old == "" {
		return name
	}
	if name == r.new || strings.HasPrefix(name, r.new+"/") {
		return r.old + name[len(r.new):]
	}
	if name == r.old || strings.HasPrefix(name, r.old+"/") {
		return ""
	}
	return name
}

// resolve returns the path without links that name leads to from the directory dir. Elements that do not exist are taken
// literally. The error is ErrOutside if a link or name leads out of the tree.
func (r *linkResolver) resolve(dir, name string) (string, error) {
	here := elements(dir)
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		element := rest[0]
		rest = rest[1:]
		switch {
		case element == "" || element == ".":
			continue
		case element == ".." && len(here) == 0:
			return "", ErrOutside
		case element == "..":
			here = here[:len(here)-1]
			continue
		}
		here = append(here, element)
		target, err := r.linkText(path.Join(here...))
		switch {
		case err != nil:
			return "", err
		case target == "":
			continue
		case isRooted(target):
			return "", ErrOutside
		}
		if links++; links > maxLinks {
			return "", syscall.ELOOP
		}
		here = here[:len(here)-1]
		rest = append(strings.Split(target, "/"), rest...)
	}
	return path.Join(append([]string{"."}, here...)...), nil
}

// linkText returns the text of the link name, with slashes, or "" if name is not a link or does not exist.
func (r *linkResolver) linkText(name string) (string, error) {
	if name = r.currentPath(name); name == "" {
		return "", nil
	}
	fi, err := r.lstat(name)
	if errors.Is(err, fs.ErrNotExist) || IsInvalidPath(err) || err == nil && fi.Mode().Type() != fs.ModeSymlink {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	target, err := r.readlink(name)
	return filepath.ToSlash(target), err
}

// checkInside returns ErrLeadsOut if name leads out of the tree from dir. A loop of links is no error: it leads nowhere.
func (r *linkResolver) checkInside(dir, name string) error {
	switch _, err := r.resolve(dir, name); {
	case err == ErrOutside: //nolint:errorlint // resolve returns the value itself
		return ErrLeadsOut
	case !errors.Is(err, syscall.ELOOP):
		return err
	}
	return nil
}

// elements returns the elements of a clean path, none for ".".
func elements(name string) []string {
	if name == "." {
		return nil
	}
	return strings.Split(name, "/")
}

// checkMove returns an error if a link would lead out of the tree after the rename of from to to. Both paths are clean.
// readDir returns at most n entries of a directory.
func (r *linkResolver) checkMove(from, to string, readDir func(name string, n int) ([]fs.DirEntry, error)) error {
	fromDir, err1 := r.resolve(".", path.Dir(from))
	toDir, err2 := r.resolve(".", path.Dir(to))
	if err := errors.Join(err1, err2); err != nil || fromDir == toDir {
		return nil // a rename in a directory changes no link; an error recurs in the move itself
	}
	r.old, r.new = path.Join(fromDir, path.Base(from)), path.Join(toDir, path.Base(to))
	fi, err := r.lstat(r.old)
	switch {
	case err != nil:
		return nil //nolint:nilerr // as above
	case fi.Mode().Type() == fs.ModeSymlink:
		return r.checkInside(toDir, path.Base(to))
	case !fi.IsDir():
		return nil
	}
	err = r.checkLinksIn(readDir)
	if isUp := len(elements(toDir)) < len(elements(fromDir)); !isUp && !errors.Is(err, ErrLeadsOut) {
		// Relative links that stay in the tree do so from a deeper directory too, so other errors do not matter.
		return nil
	}
	return err
}

// checkLinksIn checks all links beneath the directory old, which is to be moved to new, for checkMove.
func (r *linkResolver) checkLinksIn(readDir func(name string, n int) ([]fs.DirEntry, error)) error {
	dirs, left := []string{""}, maxSearched
	for len(dirs) > 0 {
		dir := dirs[len(dirs)-1]
		dirs = dirs[:len(dirs)-1]
		entries, err := readDir(path.Join(r.old, dir), left+1)
		if err != nil {
			return fmt.Errorf("look for links: %w", err)
		}
		if left -= len(entries); left < 0 {
			return ErrTooManyEntries
		}
		for _, e := range entries {
			name := dir + "/" + e.Name()
			if e.IsDir() {
				dirs = append(dirs, name)
			}
			if e.Type() != fs.ModeSymlink {
				continue
			}
			target, err := r.readlink(r.old + name)
			if target = filepath.ToSlash(target); err != nil || isRooted(target) || textStaysInTop(path.Dir(name), target) {
				continue // it was removed, or the move does not change where it leads
			}
			if err := r.checkInside(path.Join(r.new, path.Dir(name)), target); err != nil {
				return err
			}
		}
	}
	return nil
}

// textStaysInTop reports whether target, the text of a link in the directory dir, cannot lead out of the directory that
// is the root of dir. It returns false if that depends on whether an element of target is a link.
func textStaysInTop(dir, target string) bool {
	depth := len(elements(path.Join(".", dir))) // of the directory that the elements so far lead to
	hasName := false                            // whether one of them is a name, which may be a link
	for element := range strings.SplitSeq(target, "/") {
		switch element {
		case "", ".":
		case "..":
			if depth--; depth < 0 || hasName {
				return false
			}
		default:
			depth, hasName = depth+1, true
		}
	}
	return true
}

// linkResolver returns a resolver for t.
func (t *Root) linkResolver() *linkResolver {
	root := t.shared.root
	return &linkResolver{
		lstat:    func(name string) (fs.FileInfo, error) { return root.Lstat(filepath.FromSlash(name)) },
		readlink: func(name string) (string, error) { return root.Readlink(filepath.FromSlash(name)) },
	}
}

// admittingLinks is linkResolver for a caller that was not admitted to the mount of what it resolves.
func (t *Root) admittingLinks() *linkResolver {
	r := t.linkResolver()
	return &linkResolver{
		lstat: func(name string) (fi fs.FileInfo, err error) {
			err = t.admit(filepath.FromSlash(name), func() error { fi, err = r.lstat(name); return err })
			return fi, err
		},
		readlink: func(name string) (text string, err error) {
			err = t.admit(filepath.FromSlash(name), func() error { text, err = r.readlink(name); return err })
			return text, err
		},
	}
}

// readEntries returns at most n entries of a directory.
func (t *Root) readEntries(name string, n int) ([]fs.DirEntry, error) {
	beneath, err := t.shared.root.OpenRoot(filepath.FromSlash(name + "/.")) // the dot requires a directory: see osRootOpener.openDir
	if err != nil {
		return nil, err
	}
	defer beneath.Close()
	dir, err := beneath.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(n)
	if len(entries) > 0 { // for an empty directory the error is io.EOF
		return entries, err
	}
	return nil, nil
}

// moveLock has a lock for each mount. It is held for writing while a link is made, or a link or directory is checked and
// moved, and for reading while a regular file is moved. Otherwise a link could be moved between its check and its move.
// All views of a tree, and those made by Sub, share one.
//
// A rename stays within a mount, so one that hangs keeps no other mount waiting. A directory above a mount point can be
// moved while a link in that mount is checked.
type moveLock struct {
	mu      sync.Mutex // guards the field below
	ofMount map[*mounts.Mount]*sync.RWMutex
}

// of returns the lock for a path, a result of localPath.
func (l *moveLock) of(t *Root, path string) *sync.RWMutex {
	m := t.shared.mounts.At(path)
	l.mu.Lock()
	defer l.mu.Unlock()
	lock := l.ofMount[m]
	if lock == nil {
		if l.ofMount == nil {
			l.ofMount = make(map[*mounts.Mount]*sync.RWMutex)
		}
		lock = new(sync.RWMutex)
		l.ofMount[m] = lock
	}
	return lock
}

// move renames a file, directory or link, unless a link would lead out of the tree then.
func (t *Root) move(from, to string) error {
	lock := t.shared.moves.of(t, from)
	lock.RLock()
	fi, err := t.shared.root.Lstat(from)
	if err != nil || fi.Mode().IsRegular() {
		defer lock.RUnlock()
		return t.shared.root.Rename(from, to)
	}
	lock.RUnlock()
	lock.Lock()
	defer lock.Unlock()
	if err := t.linkResolver().checkMove(filepath.ToSlash(from), filepath.ToSlash(to), t.readEntries); err != nil {
		return err
	}
	return t.shared.root.Rename(from, to)
}

// makeLink makes link a symbolic link to target. Its text is the relative path from its real directory.
func (t *Root) makeLink(target, link string) error {
	lock := t.shared.moves.of(t, link)
	lock.Lock()
	defer lock.Unlock()
	r := t.linkResolver()
	dir, err := r.resolve(".", path.Dir(filepath.ToSlash(link)))
	if err != nil {
		return err
	}
	to, err := filepath.Rel(filepath.FromSlash(dir), target)
	if err != nil {
		return err
	}
	if err := r.checkInside(dir, filepath.ToSlash(to)); err != nil {
		return err
	}
	return t.shared.root.Symlink(to, filepath.Join(filepath.FromSlash(dir), filepath.Base(link)))
}

// linkResolver returns a resolver for a, if its file system supports links.
func (a *adapter) linkResolver() (r *linkResolver, ok bool) {
	reader, ok := a.fs.(afero.LinkReader)
	if !ok {
		return nil, false
	}
	full := func(name string) string {
		full, _ := a.fullName(name) // "" if a name on the disk is not valid here
		return full
	}
	return &linkResolver{
		lstat:    func(name string) (fs.FileInfo, error) { return a.lstat(full(name)) },
		readlink: func(name string) (string, error) { return reader.ReadlinkIfPossible(full(name)) },
	}, true
}

// checkMove returns an error if a link would lead out of the tree after the rename of from to to, both names of clients.
func (a *adapter) checkMove(from, to string) error {
	r, ok := a.linkResolver()
	if !ok {
		return nil
	}
	from, err1 := cleanName(from)
	to, err2 := cleanName(to)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return r.checkMove(from, to, a.readEntries)
}

// readEntries returns at most n entries of a directory.
func (a *adapter) readEntries(name string, n int) ([]fs.DirEntry, error) {
	full, err := a.fullName(name)
	if err != nil {
		return nil, err
	}
	dir, err := a.fs.Open(full)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	infos, err := dir.Readdir(n)
	if len(infos) == 0 { // for an empty directory the error is io.EOF
		return nil, nil
	}
	entries := make([]fs.DirEntry, len(infos))
	for i, fi := range infos {
		entries[i] = fs.FileInfoToDirEntry(fi)
	}
	return entries, err
}
