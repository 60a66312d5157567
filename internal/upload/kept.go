package upload

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"time"

	"sluice/internal/vfs"
)

// Kept describes what the owner's last upload to target has left; the error is fs.ErrNotExist if that is nothing.
func Kept(tree vfs.Tree, target, owner string) (fs.FileInfo, error) {
	if owner == "" {
		return nil, fs.ErrNotExist
	}
	return tree.Stat(keptName(target, owner))
}

// ForgetKept removes what uploads that broke off have left in the directory dir, and reports whether nothing else is
// in it. If there is anything else, be it something that clients do not see, it removes nothing.
func ForgetKept(tree vfs.Tree, dir string) bool {
	names, err := namesIn(tree, dir)
	if err != nil || slices.ContainsFunc(names, func(name string) bool { return !isKept(name) }) {
		return false
	}
	for _, name := range names {
		_ = remove(tree, path.Join(dir, name)) // RemoveDir tells
	}
	return true
}

// namesIn returns the names of all that is in a directory, also of what ReadDir leaves out.
func namesIn(tree vfs.Tree, dir string) ([]string, error) {
	f, err := tree.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	for i, name := range names {
		names[i] = path.Base(name) // some file systems give directories with a slash behind
	}
	return names, err
}

// Sweep removes from a tree what uploads have left that nobody has written to since the time before: those that broke
// off, and those that a crash has ended. It walks the whole tree, and blocks until it is through or ctx ends, whose
// error it returns then. What cannot be read or removed is passed over.
//
// An upload under way must have been written to since then. Files without a time stay: nobody knows how old they are.
func Sweep(ctx context.Context, tree vfs.Tree, before time.Time) (removed int, err error) {
	err = tree.Walk("/", func(name string, info fs.FileInfo, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && info.Mode().IsRegular() && IsPartial(path.Base(name)) && isOlder(info, before) && remove(tree, name) == nil {
			removed++
		}
		return nil
	})
	return removed, err
}

func isOlder(info fs.FileInfo, before time.Time) bool {
	at := info.ModTime()
	return !at.IsZero() && at.Before(before)
}
