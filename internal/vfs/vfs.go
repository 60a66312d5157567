// Package vfs is a rooted tree: every path that a client names meets the disk only here.
//
//	root, err := vfs.Open("/srv/pub")
//	if err != nil {
//		return err // names the directory: for the operator, not for a client
//	}
//	defer root.Close()
//	f, err := root.File("/docs/readme.txt", os.O_RDONLY, 0)
//	if err != nil {
//		return err // names what the client asked for, and nothing of the host
//	}
//	defer f.Close() // a plain *os.File: ready for sendfile, pread and splice
//
// A [Root] is also an afero.Fs, so that what speaks afero can stand on it. [Of] makes a [Tree], which is what the
// servers ask of a file system, of any other afero.Fs. What follows is about Root; an adapter cleans names in the same
// way and refuses the same special files, but where links lead is up to its file system.
//
// # Names
//
// A name is a sequence of bytes, separated by slashes, as a client sends it: "/a/b", "a/b" and "//a/./b" are the
// same, and "", "." and "/" are the root. Names are cleaned as text before the disk is asked: ".." takes away the
// element before it, whatever that element is on the disk, and never climbs above the root. A NUL byte is
// [fs.ErrInvalid]. On Unix every other byte may stand in a name, whether it is valid UTF-8 or not; Windows refuses
// backslashes, colons, reserved names (NUL, COM1) and what is not UTF-8.
//
// # Symbolic links
//
// Links are followed as long as they stay beneath the root; the others are [ErrOutside]. An absolute link is
// refused even when it points back into the tree, because the kernel's RESOLVE_BENEATH and [os.Root] both refuse
// it: make links inside a tree relative. The magic links of /proc are never followed. A long chain of links is
// ELOOP; on Linux a file may be opened, and a directory listed, through up to 40 of them; everything else follows 8.
//
// No link leads out by what is done here: [Root.Symlink] makes none, and [Root.Rename] refuses to move a link, or a
// directory that holds one, so that it would. Other programs would follow it, and so would users of a larger tree.
//
// # Files
//
// Only regular files and directories can be opened. A FIFO would hold a thread until somebody writes to it, a
// device does things when it is read: they, and sockets, are [ErrSpecial], and no call ever waits for one.
//
// # What it does not protect from
//
// Hard links and mounts are part of the tree, wherever they lead. A device is opened before it is seen to be one,
// so a tree in which others may make device nodes belongs on a file system mounted nodev. A file that another
// program holds a lease on may answer EAGAIN instead of waiting for that program. A directory that may be searched
// but not read lets what lies beneath it be opened and listed on Linux; everything else, [os.Root] does only where
// it can read.
package vfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/afero"
)

// Root is a view of a directory tree that no name leads out of.
//
// The methods are safe for use by many goroutines at once, and stay in the tree while others change it: each name
// is resolved beneath the descriptor of the root at the moment of use, never checked before.
//
// Each error is an [*fs.PathError], from Rename an [*os.LinkError]. It holds the name as the client gave it and
// the bare cause, so that errors.Is with [fs.ErrNotExist] and its kin tells what happened; it never holds the
// path of the root.
type Root struct {
	shared   *shared
	writable bool
}

var _ interface {
	afero.Fs
	afero.Lstater
} = (*Root)(nil)

// shared is what all views of a tree share.
type shared struct {
	dir       string // absolute
	root      *os.Root
	opener    opener
	moves     *moveLock
	errEscape error // what root answers to a name that leads out; package os has it, but does not export it
}

// Open returns a read-only view of the directory dir and of all that lies beneath it. It follows the directory,
// not its name: the view stays with it when it is moved. The caller closes the tree.
func Open(dir string) (*Root, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	// Asked first, because os.OpenRoot waits for a writer when dir is a FIFO, and has no errno for a regular file.
	// "" is no directory, although Abs takes it for the current one.
	fi, err := os.Stat(dir)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: withoutPath(err)}
	}
	if !fi.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: withoutPath(err)}
	}
	d, err := newShared(root, abs, new(moveLock))
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: withoutPath(err)}
	}
	return &Root{shared: d}, nil
}

// newShared takes root over, which is dir.
func newShared(root *os.Root, dir string, links *moveLock) (*shared, error) {
	opener, err := newOpener(root) // fails where dir may be read but not searched
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	_, escape := root.Lstat("..") // refused before the disk is asked
	return &shared{dir: dir, root: root, opener: opener, moves: links, errEscape: withoutPath(escape)}, nil
}

// Sub returns a view of the directory name and of all that lies beneath it, as a tree of its own: no name leads out
// of that directory either. Files may be changed through it if they may through t. The caller closes it; closing t
// does not.
func (t *Root) Sub(name string) (*Root, error) {
	path, err := localPath(name)
	if err != nil {
		return nil, t.pathError("open", name, err)
	}
	fi, err := t.shared.root.Stat(path) // as in Open
	if err == nil && !fi.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, t.pathError("open", name, err)
	}
	root, err := t.shared.root.OpenRoot(path)
	if err != nil {
		return nil, t.pathError("open", name, err)
	}
	d, err := newShared(root, filepath.Join(t.shared.dir, path), t.shared.moves)
	if err != nil {
		return nil, t.pathError("open", name, err)
	}
	return &Root{shared: d, writable: t.writable}, nil
}

// Writable returns a view of the same tree through which files may be changed.
func (t *Root) Writable() *Root { return &Root{shared: t.shared, writable: true} }

// CanWrite reports whether files may be changed through this view.
func (t *Root) CanWrite() bool { return t.writable }

// Close closes what all views of the tree share: none of them can be used afterwards, their calls return
// [fs.ErrClosed]. Files that were opened through them stay open. Closing twice is harmless.
func (t *Root) Close() error {
	err := t.shared.opener.Close()
	if rerr := t.shared.root.Close(); err == nil {
		err = rerr
	}
	return err
}

// Dir returns the directory given to [Open], made absolute. It is for the operator; clients must not see it.
func (t *Root) Dir() string { return t.shared.dir }

// Name returns the name of this kind of file system, as afero wants it.
func (t *Root) Name() string { return "vfs" }
