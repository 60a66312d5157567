package vfs

import "io/fs"

// Clean is cleanName.
var Clean = cleanName

// SetMaxSearched sets how many entries of a moved directory are searched for links. undo restores the value.
func SetMaxSearched(n int) (undo func()) {
	before := maxSearched
	maxSearched = n
	return func() { maxSearched = before }
}

// UsesOpenat2 reports whether t opens files with openat2 rather than os.Root.
func UsesOpenat2(t *Root) bool {
	_, ok := t.shared.opener.(admitting).opener.(osRootOpener)
	return !ok
}

// WithoutOpenat2 makes all views of t open files with os.Root, as on a kernel without openat2.
func WithoutOpenat2(t *Root) error {
	err := t.shared.opener.Close()
	t.shared.opener = admitting{osRootOpener{t.shared.root}, t.shared}
	return err
}

// Describe is the part of ReadDir after the names of the entries were read.
func Describe(t *Root, name string, names []string) ([]fs.FileInfo, error) {
	dir, err := t.shared.opener.openDir(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return t.describe(name, dir, names, listOpenable), nil
}

// Batch is how many entries are read at once.
const Batch = batch
