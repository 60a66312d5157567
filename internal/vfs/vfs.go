package vfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/spf13/afero"

	"sluice/internal/mounts"
)

// Root is a view of a directory tree. No name leads out of the tree.
//
// The methods are safe for concurrent use, and stay in the tree while other processes change it: each name is resolved
// beneath the descriptor of the root at the moment of use.
//
// Each error is an [*fs.PathError], from Rename an [*os.LinkError]. It holds the name as the client gave it and the
// cause without any path of the host. errors.Is works with [fs.ErrNotExist] and similar errors.
type Root struct {
	shared   *shared
	writable bool
}

var _ interface {
	afero.Fs
	afero.Lstater
} = (*Root)(nil)

// shared is the state that all views of a tree share.
type shared struct {
	dir       string // absolute
	real      string // dir without links, for PlaceOf
	root      *os.Root
	opener    opener
	mounts    *mounts.Tree // of real
	moves     *moveLock
	errEscape error // the error of root for a name that leads out; package os does not export it

	once     sync.Once // for writable
	writable *Root     // see Root.Writable
}

// Open returns a read-only view of the directory dir and everything beneath it. If the directory is renamed, the view
// stays with the directory. The caller closes the Root.
func Open(dir string) (*Root, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	// Stat first, because os.OpenRoot waits for a writer when dir is a FIFO, and returns no errno for a regular file.
	// It also refuses "", which Abs turns into the current directory.
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
	d, err := newShared(root, abs, realDir(abs), new(moveLock))
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: withoutPath(err)}
	}
	return &Root{shared: d}, nil
}

// newShared takes ownership of root, which is open on dir; real is dir without links.
func newShared(root *os.Root, dir, real string, moves *moveLock) (*shared, error) {
	opener, err := newOpener(root) // fails if dir may be read but not searched
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	_, escape := root.Lstat("..") // refused without an access to the disk
	d := &shared{dir: dir, real: real, root: root, mounts: mounts.Beneath(real), moves: moves, errEscape: withoutPath(escape)}
	d.opener = admitting{opener, d}
	return d, nil
}

// Sub returns a view of the directory name and everything beneath it, as a tree of its own: no name leads out of that
// directory. The view is writable if t is. The caller closes it; closing t does not.
func (t *Root) Sub(name string) (*Root, error) {
	path, err := localPath(name)
	if err != nil {
		return nil, t.pathError("open", name, err)
	}
	var root *os.Root
	err = t.admit(path, func() error {
		fi, err := t.shared.root.Stat(path) // as in Open
		if err == nil && !fi.IsDir() {
			err = syscall.ENOTDIR
		}
		if err == nil {
			root, err = t.shared.root.OpenRoot(path)
		}
		return err
	})
	if err != nil {
		return nil, t.pathError("open", name, err)
	}
	d, err := newShared(root, filepath.Join(t.shared.dir, path), t.realSub(path), t.shared.moves)
	if err != nil {
		return nil, t.pathError("open", name, err)
	}
	return &Root{shared: d, writable: t.writable}, nil
}

// Writable returns the writable view of the same tree. It is always the same Root.
func (t *Root) Writable() *Root {
	t.shared.once.Do(func() { t.shared.writable = &Root{shared: t.shared, writable: true} })
	return t.shared.writable
}

// CanWrite reports whether this view is writable.
func (t *Root) CanWrite() bool { return t.writable }

// Close closes all views of the tree: their methods return [fs.ErrClosed] afterwards. Files that were opened through
// them stay open. Closing twice is harmless.
func (t *Root) Close() error {
	err := t.shared.opener.Close()
	if rerr := t.shared.root.Close(); err == nil {
		err = rerr
	}
	return err
}

// Dir returns the absolute path of the directory given to [Open]. It is for the operator; clients must not see it.
func (t *Root) Dir() string { return t.shared.dir }

// Name returns the name of this kind of file system. It is part of afero.Fs.
func (t *Root) Name() string { return "vfs" }
