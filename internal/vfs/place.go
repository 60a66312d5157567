package vfs

import (
	"path"
	"path/filepath"
	"reflect"
	"strings"
)

// Place is where a name is: the same for a name in a [Root], in a Sub of it, and in another Root beneath the same
// directory, whatever links lead there. Two places are in one System if it is equal. It is for comparing, not for opening.
type Place struct {
	System any    // nil: the files of this machine; comparable
	Path   string // absolute and clean, with slashes; without links in its directories
}

// PlaceOf returns the place of name. A link in the last element is not followed, because a rename or an upload replaces it.
// Directories that do not exist are taken literally. ok is false if that cannot be found out.
func PlaceOf(t Tree, name string) (p Place, ok bool) {
	cleaned, err := cleanName(name)
	if err != nil {
		return Place{}, false
	}
	switch t := t.(type) {
	case *Root:
		dir, err := t.admittingLinks().resolve(".", path.Dir(filepath.ToSlash(cleaned)))
		if err != nil {
			return Place{}, false
		}
		within := path.Join(dir, path.Base(cleaned))
		return Place{Path: path.Join(filepath.ToSlash(t.shared.real), within)}, true
	case *Joined:
		at := t.find(name)
		return PlaceOf(at.Tree, at.name)
	case *adapter:
		full, err := t.fullName(name)
		if err != nil || !reflect.ValueOf(t.fs).Comparable() {
			return Place{}, false
		}
		return Place{System: t.fs, Path: path.Clean("/" + full)}, true
	}
	return Place{}, false
}

// realDir returns dir, which is absolute, without links.
func realDir(dir string) string {
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		return resolved
	}
	return dir
}

// realSub returns the path of the directory at name beneath t, without links.
func (t *Root) realSub(name string) string {
	resolved, err := t.admittingLinks().resolve(".", filepath.ToSlash(name))
	if err != nil {
		resolved = name
	}
	return filepath.Join(t.shared.real, filepath.FromSlash(resolved))
}

// Contains reports whether other is p, or beneath it.
func (p Place) Contains(other Place) bool {
	if p.System != other.System {
		return false
	}
	return p.Path == other.Path || p.Path == "/" || strings.HasPrefix(other.Path, p.Path) && other.Path[len(p.Path)] == '/'
}

// Parent returns the directory of p.
func (p Place) Parent() Place { return Place{System: p.System, Path: path.Dir(p.Path)} }
