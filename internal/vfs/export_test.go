package vfs

import "io/fs"

// Clean is the pure part of how a name becomes a path.
var Clean = cleanName

// SetMaxSearched changes how many entries of a directory that is moved are looked at, until undo.
func SetMaxSearched(n int) (undo func()) {
	before := maxSearched
	maxSearched = n
	return func() { maxSearched = before }
}

// UsesOpenat2 reports whether t opens with openat2 rather than through os.Root.
func UsesOpenat2(t *Root) bool {
	_, ok := t.shared.opener.(osRootOpener)
	return !ok
}

// WithoutOpenat2 makes all views of t open through os.Root, as where openat2 is missing.
func WithoutOpenat2(t *Root) error {
	err := t.shared.opener.Close()
	t.shared.opener = osRootOpener{t.shared.root}
	return err
}

// Describe is the part of ReadDir that comes after the names of the entries were read.
func Describe(t *Root, name string, names []string) ([]fs.FileInfo, error) {
	dir, err := t.shared.opener.openDir(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return t.describe(name, dir, names, listOpenable), nil
}
