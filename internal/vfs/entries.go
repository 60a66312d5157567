package vfs

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/afero"
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
	return t.info("lstat", name, func(root *os.Root, path string) (fs.FileInfo, error) {
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
func (t *Root) Entries(name string) ([]fs.FileInfo, error) { return t.readDir(name, themselves) }

// link describes the link at path, which local made, of which fi is the Lstat. Where the link leads, the resolution of
// the tree tells, and the text of it only where that ends before its end.
func (t *Root) link(path string, fi fs.FileInfo) *Link {
	l := &Link{FileInfo: fi}
	end, err := t.disk.root.Stat(path)
	if err == nil && served(end.Mode()) {
		l.End = end
	}
	if t.cause(err) == ErrOutside { //nolint:errorlint // cause returns the bare value
		return l
	}
	target, readErr := t.disk.root.Readlink(path)
	if readErr == nil && (err == nil || staysInside(path, target)) {
		l.Target = filepath.ToSlash(target)
	}
	return l
}

// staysInside reports whether a link at path that holds target leads to a name beneath the root, as far as its text
// tells.
func staysInside(path, target string) bool {
	return !isRooted(target) && filepath.IsLocal(filepath.Join(filepath.Dir(path), target))
}

// isRooted reports whether what a link holds begins at a root of the host, or at a drive.
func isRooted(target string) bool {
	return filepath.VolumeName(target) != "" || strings.HasPrefix(filepath.ToSlash(target), "/")
}

// Entry describes name itself, a symbolic link by a *Link, if the file system knows links.
func (a *adapter) Entry(name string) (fs.FileInfo, error) {
	return ask(a, "lstat", name, func(full string) (fs.FileInfo, error) {
		fi, err := a.lstat(full)
		if err == nil && fi.Mode().Type() == fs.ModeSymlink {
			fi = a.link(full, fi)
		}
		return fi, err
	})
}

// Entries describes all that is in a directory, as Entry does.
func (a *adapter) Entries(name string) ([]fs.FileInfo, error) {
	return ask(a, "readdir", name, func(full string) ([]fs.FileInfo, error) { return a.list(full, themselves) })
}

// link describes the link full, of which fi is the Lstat.
func (a *adapter) link(full string, fi fs.FileInfo) *Link {
	l := &Link{FileInfo: fi}
	if end, err := a.stat(full); err == nil {
		l.End = end
	}
	if r, ok := a.fs.(afero.LinkReader); ok && a.keepsInside(r, full) {
		target, _ := r.ReadlinkIfPossible(full)
		l.Target = filepath.ToSlash(target)
	}
	return l
}

// keepsInside reports whether the way to full, and from there on if it is a link, stays beneath the base of this view.
// The file system may follow links out, but what they hold is no name of the tree then.
func (a *adapter) keepsInside(r afero.LinkReader, full string) bool {
	const maxLinks = 40 // as on Linux
	root, _ := a.full("/")
	var at []string // the elements that lead from the base to where we are, no links among them
	rest := strings.Split(strings.TrimPrefix(path.Join("/", full), path.Join("/", root)), "/")
	for links := 0; len(rest) > 0; {
		element := rest[0]
		rest = rest[1:]
		switch {
		case element == "" || element == ".":
			continue
		case element == ".." && len(at) == 0:
			return false
		case element == "..":
			at = at[:len(at)-1]
			continue
		}
		here := path.Join(root, path.Join(at...), element)
		if fi, err := a.lstat(here); err != nil || fi.Mode().Type() != fs.ModeSymlink {
			at = append(at, element) // if it is not there, the rest is text
			continue
		}
		target, err := r.ReadlinkIfPossible(here)
		if links++; err != nil || links > maxLinks || isRooted(target) {
			return false
		}
		rest = append(strings.Split(filepath.ToSlash(target), "/"), rest...)
	}
	return true
}
