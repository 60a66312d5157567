package vfs

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Link is how Entry and Entries describe a symbolic link. The FileInfo is that of the link itself.
type Link struct {
	fs.FileInfo

	// Target is what the link holds, with slashes. It is "" if the link leads out of the tree, by itself or by other
	// links, or if that cannot be told: no name outside of the tree is for a client.
	Target string

	// End describes what the link leads to in the end, a regular file or a directory; its Name is that of the link.
	// It is nil if there is nothing, or nothing that can be opened.
	End fs.FileInfo
}

// Entry describes name itself, be it a special file; a symbolic link by a [*Link].
func (t *Root) Entry(name string) (fs.FileInfo, error) {
	return t.statBy("lstat", name, func(root *os.Root, path string) (fs.FileInfo, error) {
		fi, err := root.Lstat(path)
		if err == nil && fi.Mode().Type() == fs.ModeSymlink {
			fi = t.link(path, fi)
		}
		return fi, err
	})
}

// Entries describes all that is in the directory name, sorted by name: what can be opened and what cannot, symbolic
// links by a [*Link]. It is what one must see to empty a directory. Entries that vanish or cannot be described while the
// directory is read are left out.
func (t *Root) Entries(name string) ([]fs.FileInfo, error) { return t.readDir(name, listAll) }

// link describes the link at path, which local made, of which fi is the Lstat. Where the link leads, the resolution of
// the tree tells, and the text of it only where that ends before its end.
func (t *Root) link(path string, fi fs.FileInfo) *Link {
	l := &Link{FileInfo: fi}
	end, err := t.shared.root.Stat(path)
	if err == nil && isOpenable(end.Mode()) {
		l.End = end
	}
	if t.cause(err) == ErrOutside { //nolint:errorlint // cause returns the bare value
		return l
	}
	target, readErr := t.shared.root.Readlink(path)
	if readErr == nil && (err == nil || textStaysInRoot(path, target)) {
		l.Target = filepath.ToSlash(target)
	}
	return l
}

// textStaysInRoot reports whether a link at path that holds target leads to a name beneath the root, as far as its text
// tells.
func textStaysInRoot(path, target string) bool {
	return !isRooted(target) && filepath.IsLocal(filepath.Join(filepath.Dir(path), target))
}

// isRooted reports whether what a link holds begins at a root of the host, or at a drive.
func isRooted(target string) bool {
	return filepath.VolumeName(target) != "" || strings.HasPrefix(filepath.ToSlash(target), "/")
}

// Entry describes name itself, a symbolic link by a *Link, if the file system knows links.
func (a *adapter) Entry(name string) (fs.FileInfo, error) {
	return query(a, "lstat", name, func(full string) (fs.FileInfo, error) {
		fi, err := a.lstat(full)
		if err == nil && fi.Mode().Type() == fs.ModeSymlink {
			fi = a.link(full, fi)
		}
		return fi, err
	})
}

// Entries describes all that is in a directory, as Entry does.
func (a *adapter) Entries(name string) ([]fs.FileInfo, error) {
	return query(a, "readdir", name, func(full string) ([]fs.FileInfo, error) { return a.list(full, listAll) })
}

// link describes the link full, of which fi is the Lstat.
func (a *adapter) link(full string, fi fs.FileInfo) *Link {
	l := &Link{FileInfo: fi}
	if end, err := a.stat(full); err == nil {
		l.End = end
	}
	if w, ok := a.linkResolver(); ok {
		name := strings.TrimPrefix(path.Join("/", full), path.Join("/", a.base))
		if _, err := w.resolve(".", name); err == nil { // else what it holds is no name of the tree
			l.Target, _ = w.readLink(name)
		}
	}
	return l
}
