package vfs

import "io/fs"

// Clean is the pure part of how a name becomes a path.
var Clean = clean

// SetMostLooked changes how many entries of a directory that is moved are looked at, until undo.
func SetMostLooked(n int) (undo func()) {
	before := mostLooked
	mostLooked = n
	return func() { mostLooked = before }
}

// UsesOpenat2 reports whether t opens with openat2 rather than through os.Root.
func UsesOpenat2(t *Root) bool {
	_, ok := t.disk.opener.(inRoot)
	return !ok
}

// WithoutOpenat2 makes all views of t open through os.Root, as where openat2 is missing.
func WithoutOpenat2(t *Root) error {
	err := t.disk.opener.Close()
	t.disk.opener = inRoot{t.disk.root}
	return err
}

// Describe is the part of ReadDir that comes after the names of the entries were read.
func Describe(t *Root, name string, names []string) ([]fs.FileInfo, error) {
	dir, err := t.disk.opener.openDir(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return t.describe(name, dir, names, opened), nil
}
