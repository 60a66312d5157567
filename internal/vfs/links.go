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
)

// A client makes links and moves them, and no link of its making leads out of its tree: this package would not follow
// it, but other programs would, and so would users whose tree is larger. So a link holds the way from its real place,
// which is free of links, to its target. A move that changes where links lead looks at them first: at the link that is
// moved, and at those in a directory that lead out of that directory.
//
// A move to another name in the same directory changes nothing; links that others have made and that lead out already
// can be renamed so.

// Reasons to refuse a move, or the making of a link.
var (
	// ErrLeadsOut means that a symbolic link would lead out of the tree afterwards.
	ErrLeadsOut error = refusal("a link would lead out of the tree")
	// ErrTooManyEntries means that there is more in a directory than is searched for such links.
	ErrTooManyEntries error = refusal("too much in the directory to look for links that would lead out of the tree")
)

// maxSearched is how many entries of a directory that is moved are looked at, which takes 0.7 s on two busy cores. It is a variable for the tests.
var maxSearched = 100_000

// maxLinks is how many links are followed, as on Linux.
const maxLinks = 40

// linkResolver follows names and links in a tree. Paths have slashes and no links, and the root is "."; moved names the old and the
// new path of what is looked at as if it had been moved.
type linkResolver struct {
	lstat    func(path string) (fs.FileInfo, error)
	readlink func(path string) (string, error)
	old, new string // "": nothing is moved
}

// currentPath returns under which name to look for path now; "": nowhere.
func (w *linkResolver) currentPath(name string) string {
	if w.old == "" {
		return name
	}
	if name == w.new || strings.HasPrefix(name, w.new+"/") {
		return w.old + name[len(w.new):]
	}
	if name == w.old || strings.HasPrefix(name, w.old+"/") {
		return ""
	}
	return name
}

// resolve returns where name leads from the directory dir, as a path free of links. What is not there is taken by its
// name. The error is ErrOutside if the way leads out of the tree.
func (w *linkResolver) resolve(dir, name string) (string, error) {
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
		target, err := w.readLink(path.Join(here...))
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

// readLink returns what the link of that name holds, with slashes; "" if it is none, or not there.
func (w *linkResolver) readLink(name string) (string, error) {
	if name = w.currentPath(name); name == "" {
		return "", nil
	}
	fi, err := w.lstat(name)
	if errors.Is(err, fs.ErrNotExist) || IsInvalidPath(err) || err == nil && fi.Mode().Type() != fs.ModeSymlink {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	target, err := w.readlink(name)
	return filepath.ToSlash(target), err
}

// checkInside returns ErrLeadsOut if the way leads out, and nil for links in circles, which nobody can follow.
func (w *linkResolver) checkInside(dir, name string) error {
	switch _, err := w.resolve(dir, name); {
	case err == ErrOutside: //nolint:errorlint // the bare value
		return ErrLeadsOut
	case !errors.Is(err, syscall.ELOOP):
		return err
	}
	return nil
}

// elements returns the elements of a path that is free of ".".
func elements(name string) []string {
	if name == "." {
		return nil
	}
	return strings.Split(name, "/")
}

// checkMove returns why what has the path from cannot get the path to. Both are clean. readDir returns the entries of a
// directory, at most n.
func (w *linkResolver) checkMove(from, to string, readDir func(name string, n int) ([]fs.DirEntry, error)) error {
	fromDir, err1 := w.resolve(".", path.Dir(from))
	toDir, err2 := w.resolve(".", path.Dir(to))
	if err := errors.Join(err1, err2); err != nil || fromDir == toDir {
		return nil // the move itself will tell, or changes nothing
	}
	w.old, w.new = path.Join(fromDir, path.Base(from)), path.Join(toDir, path.Base(to))
	fi, err := w.lstat(w.old)
	switch {
	case err != nil:
		return nil //nolint:nilerr // as above
	case fi.Mode().Type() == fs.ModeSymlink:
		return w.checkInside(toDir, path.Base(to))
	case !fi.IsDir():
		return nil
	}
	err = w.checkLinksIn(readDir)
	if isUp := len(elements(toDir)) < len(elements(fromDir)); !isUp && !errors.Is(err, ErrLeadsOut) {
		// A link that holds the way from its place, as those that are made here, leads out of no deeper place either.
		return nil
	}
	return err
}

// checkLinksIn returns why a directory cannot be moved because of the links in it.
func (w *linkResolver) checkLinksIn(readDir func(name string, n int) ([]fs.DirEntry, error)) error {
	dirs, left := []string{""}, maxSearched
	for len(dirs) > 0 {
		dir := dirs[len(dirs)-1]
		dirs = dirs[:len(dirs)-1]
		entries, err := readDir(path.Join(w.old, dir), left+1)
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
			target, err := w.readlink(w.old + name)
			if target = filepath.ToSlash(target); err != nil || isRooted(target) || textStaysInTop(path.Dir(name), target) {
				continue // it is gone, or leads where it led
			}
			if err := w.checkInside(path.Join(w.new, path.Dir(name)), target); err != nil {
				return err
			}
		}
	}
	return nil
}

// textStaysInTop reports whether the text of a link that lies in dir, beneath the directory "/", does not leave that.
func textStaysInTop(dir, target string) bool {
	depth, below := len(elements(path.Join(".", dir))), false // of where the text has led to
	for element := range strings.SplitSeq(target, "/") {
		switch element {
		case "", ".":
		case "..":
			if depth--; depth < 0 || below { // what is above a name, the text does not tell
				return false
			}
		default:
			depth, below = depth+1, true
		}
	}
	return true
}

// linkResolver returns how to follow names in t.
func (t *Root) linkResolver() *linkResolver {
	root := t.shared.root
	return &linkResolver{
		lstat:    func(name string) (fs.FileInfo, error) { return root.Lstat(filepath.FromSlash(name)) },
		readlink: func(name string) (string, error) { return root.Readlink(filepath.FromSlash(name)) },
	}
}

// readEntries returns at most n entries of a directory.
func (t *Root) readEntries(name string, n int) ([]fs.DirEntry, error) {
	beneath, err := t.shared.root.OpenRoot(filepath.FromSlash(name + "/.")) // as a directory: see inRoot.openDir
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
	if len(entries) > 0 { // or an empty directory is io.EOF
		return entries, err
	}
	return nil, nil
}

// moveLock keeps moves from being checked while links are made, or other moves are: no link is seen in one place and
// moved in another. All views of a tree, and of the directories in it, have one.
type moveLock struct{ sync.RWMutex }

// move renames what has the path from, unless a link would lead out then. Many files can be moved at a time.
func (t *Root) move(from, to string) error {
	rules := t.shared.moves
	rules.RLock()
	fi, err := t.shared.root.Lstat(from)
	if err != nil || fi.Mode().IsRegular() {
		defer rules.RUnlock()
		return t.shared.root.Rename(from, to)
	}
	rules.RUnlock()
	rules.Lock()
	defer rules.Unlock()
	if err := t.linkResolver().checkMove(filepath.ToSlash(from), filepath.ToSlash(to), t.readEntries); err != nil {
		return err
	}
	return t.shared.root.Rename(from, to)
}

// makeLink makes link a symbolic link to target. What it holds is the way from its real place.
func (t *Root) makeLink(target, link string) error {
	t.shared.moves.Lock()
	defer t.shared.moves.Unlock()
	w := t.linkResolver()
	dir, err := w.resolve(".", path.Dir(filepath.ToSlash(link)))
	if err != nil {
		return err
	}
	to, err := filepath.Rel(filepath.FromSlash(dir), target)
	if err != nil {
		return err
	}
	if err := w.checkInside(dir, filepath.ToSlash(to)); err != nil {
		return err
	}
	return t.shared.root.Symlink(to, filepath.Join(filepath.FromSlash(dir), filepath.Base(link)))
}

// linkResolver returns how to follow names in a, if its file system knows links.
func (a *adapter) linkResolver() (w *linkResolver, ok bool) {
	r, ok := a.fs.(afero.LinkReader)
	if !ok {
		return nil, false
	}
	full := func(name string) string { // or none, if a name of the disk cannot be one here
		full, _ := a.fullName(name)
		return full
	}
	return &linkResolver{
		lstat:    func(name string) (fs.FileInfo, error) { return a.lstat(full(name)) },
		readlink: func(name string) (string, error) { return r.ReadlinkIfPossible(full(name)) },
	}, true
}

// checkMove returns why from cannot be moved to to. Both are names of clients.
func (a *adapter) checkMove(from, to string) error {
	w, ok := a.linkResolver()
	if !ok {
		return nil
	}
	from, err1 := cleanName(from)
	to, err2 := cleanName(to)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return w.checkMove(from, to, a.readEntries)
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
	if len(infos) == 0 { // that there are none is io.EOF
		return nil, nil
	}
	entries := make([]fs.DirEntry, len(infos))
	for i, fi := range infos {
		entries[i] = fs.FileInfoToDirEntry(fi)
	}
	return entries, err
}
