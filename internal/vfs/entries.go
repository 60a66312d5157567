package vfs

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Link is the description of a symbolic link by Entry and Entries. The FileInfo is that of the link itself.
type Link struct {
	fs.FileInfo

	// Target is the text of the link, with slashes. It is "" if the link leads out of the tree, directly or by other
	// links, or if that cannot be found out: clients must not see names outside of the tree.
	Target string

	// End describes the regular file or directory that the link finally leads to; its Name is that of the link. It is
	// nil if there is none, or if it cannot be opened.
	End fs.FileInfo
}

// Entry is Lstat, but describes a symbolic link by a [*Link].
func (t *Root) Entry(name string) (fs.FileInfo, error) {
	return t.statBy("lstat", name, func(root *os.Root, path string) (fs.FileInfo, error) {
		fi, err := root.Lstat(path)
		if err == nil && fi.Mode().Type() == fs.ModeSymlink {
			fi = t.link(path, fi)
		}
		return fi, err
	})
}

// Entries describes everything in the directory name, sorted by name, including files that cannot be opened. A symbolic
// link is described by a [*Link]. Entries that vanish during the call or cannot be described are left out.
func (t *Root) Entries(name string) ([]fs.FileInfo, error) { return t.readDir(name, listAll) }

// link describes the link at path, a result of localPath; fi is its Lstat. It shows the text of the link if the target
// can be resolved in the tree, or else if the text alone does not lead out.
func (t *Root) link(path string, fi fs.FileInfo) *Link {
	l := &Link{FileInfo: fi}
	end, err := t.shared.root.Stat(path)
	if err == nil && isOpenable(end.Mode()) {
		l.End = end
	}
	if t.cause(err) == ErrOutside { //nolint:errorlint // cause returns the value itself
		return l
	}
	target, readErr := t.shared.root.Readlink(path)
	if readErr == nil && (err == nil || textStaysInRoot(path, target)) {
		l.Target = filepath.ToSlash(target)
	}
	return l
}

// textStaysInRoot reports whether target, the text of a link at path, is a name beneath the root, if no element of it is
// a link.
func textStaysInRoot(path, target string) bool {
	return !isRooted(target) && filepath.IsLocal(filepath.Join(filepath.Dir(path), target))
}

// isRooted reports whether target, the text of a link, is absolute or begins with a drive.
func isRooted(target string) bool {
	return filepath.VolumeName(target) != "" || strings.HasPrefix(filepath.ToSlash(target), "/")
}

// Entry is Lstat, but describes a symbolic link by a *Link.
func (a *adapter) Entry(name string) (fs.FileInfo, error) {
	return query(a, "lstat", name, func(full string) (fs.FileInfo, error) {
		fi, err := a.lstat(full)
		if err == nil && fi.Mode().Type() == fs.ModeSymlink {
			fi = a.link(full, fi)
		}
		return fi, err
	})
}

// Entries describes everything in a directory, as Entry does.
func (a *adapter) Entries(name string) ([]fs.FileInfo, error) {
	return query(a, "readdir", name, func(full string) ([]fs.FileInfo, error) { return a.list(full, listAll) })
}

// link describes the link full; fi is its Lstat.
func (a *adapter) link(full string, fi fs.FileInfo) *Link {
	l := &Link{FileInfo: fi}
	if end, err := a.stat(full); err == nil {
		l.End = end
	}
	if r, ok := a.linkResolver(); ok {
		name := strings.TrimPrefix(path.Join("/", full), path.Join("/", a.base))
		if _, err := r.resolve(".", name); err == nil { // else it leads out of the tree
			l.Target, _ = r.linkText(name)
		}
	}
	return l
}
