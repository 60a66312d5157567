package durable

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"
	"time"

	"sluice/internal/vfs"
)

// Syncer brings changes to the disk. The zero value is ready, for use by many goroutines at once; it must not be copied.
type Syncer struct {
	shared rounds

	mu      sync.Mutex          // guards the fields below
	waiting map[fileKey]pending // what is to be synced soon; nil: nothing
	timer   *time.Timer         // of what waits
}

// fileKey is a file or directory, by whichever name.
type fileKey struct{ device, number uint64 }

// pending is an open file or directory that is to be synced soon.
type pending struct {
	file   *os.File
	policy Policy
	isDir  bool
}

// How long what nobody waits for may wait, and how many files may be open for that.
const (
	soon       = 500 * time.Millisecond
	maxWaiting = 128
)

// SyncFile brings the content of a file to the disk by its method sync, if the level asks for that. It blocks for as long
// as the disk needs. After an error nobody knows what of the file is on the disk, and a second try proves nothing: the
// kernel may have forgotten what it could not write (fsync(2)).
func (s *Syncer) SyncFile(p Policy, sync func() error) error {
	if p.Level == None {
		return nil
	}
	return p.timed(false, sync)
}

// SyncAdded brings the names of what was made, or has got a name, to the disk, if the level asks for that. It blocks for as
// long as the disk needs. The error is an [*Error].
func (s *Syncer) SyncAdded(p Policy, tree vfs.Tree, names ...string) error {
	if p.Level == Rename || p.Level == None {
		return nil
	}
	return s.syncParents(p, tree, names)
}

// SyncRemoved is Added for a name that was removed. It waits with the level Strict alone; with Full that is on the disk
// within a second.
func (s *Syncer) SyncRemoved(p Policy, tree vfs.Tree, name string) error {
	switch p.Level {
	case Strict:
		return s.syncParents(p, tree, []string{name})
	case Full:
		s.later(p, tree, path.Dir(name), true)
	}
	return nil
}

// SyncChanged brings the time, mode or owner of a file to the disk, when Removed does a name.
func (s *Syncer) SyncChanged(p Policy, tree vfs.Tree, name string) error {
	switch p.Level {
	case Strict:
		f, err := open(tree, name)
		if err != nil { // whoever may not read a file can hardly sync it
			return s.syncParents(p, tree, []string{name})
		}
		defer f.Close()
		if _, ok := keyOf(f); !ok {
			return nil // as for directories
		}
		if err := p.timed(false, f.Sync); err != nil {
			return &Error{err}
		}
	case Full:
		s.later(p, tree, name, false)
	}
	return nil
}

// Flush brings to the disk what waits. It blocks for as long as the disk needs; OnSync is told of what fails.
func (s *Syncer) Flush() {
	s.mu.Lock()
	waiting := s.waiting
	s.waiting = nil
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	for key, w := range waiting {
		_ = s.shared.do(key, func() error { return w.policy.timed(w.isDir, unlessGone(w.file.Sync)) })
		_ = w.file.Close() // it was not written to
	}
}

// later has a file or directory synced within a second. One that cannot be opened is left to the kernel.
func (s *Syncer) later(p Policy, tree vfs.Tree, name string, isDir bool) {
	f, err := open(tree, name)
	if err != nil {
		return
	}
	key, ok := keyOf(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, waits := s.waiting[key]; waits || !ok {
		_ = f.Close() // it was not written to
		return
	}
	if s.waiting == nil {
		s.waiting = make(map[fileKey]pending)
		s.timer = time.AfterFunc(soon, s.Flush)
	}
	s.waiting[key] = pending{f, p, isDir}
	if len(s.waiting) == maxWaiting {
		s.timer.Reset(0)
	}
}

// syncParents syncs the directories that hold the names, each once.
func (s *Syncer) syncParents(p Policy, tree vfs.Tree, names []string) error {
	var errs []error
	done := make(map[string]bool, len(names))
	for _, name := range names {
		if dir := path.Dir(name); !done[dir] {
			done[dir] = true
			errs = append(errs, s.syncDir(p, tree, dir))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &Error{err}
	}
	return nil
}

// syncDir syncs the directory of that name. One that is gone has taken its names along.
func (s *Syncer) syncDir(p Policy, tree vfs.Tree, name string) error {
	f, err := open(tree, name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return s.syncAround(p, tree, name)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errors.ErrUnsupported):
		return nil
	case err != nil:
		return err
	}
	defer f.Close()
	key, ok := keyOf(f)
	if !ok {
		return nil // see Supported
	}
	return s.shared.do(key, func() error { return p.timed(true, unlessGone(f.Sync)) })
}

// unlessGone is sync for what may be removed while it is open: nothing of that has to survive, and some file systems
// cannot sync it.
func unlessGone(sync func() error) func() error {
	return func() error {
		err := sync()
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESTALE) { // as FUSE, and as NFS
			return nil
		}
		return err
	}
}

// syncAround syncs the file system of a directory that cannot be read, by way of one above it.
func (s *Syncer) syncAround(p Policy, tree vfs.Tree, name string) error {
	info, err := tree.Stat(name)
	if err != nil {
		return err
	}
	device, ok := deviceOf(info)
	for ok && name != "/" {
		name = path.Dir(name)
		f, err := open(tree, name)
		if err != nil {
			continue
		}
		if key, _ := keyOf(f); key.device == device {
			err = p.timed(true, func() error { return syncFileSystem(f) })
			_ = f.Close()
			return err
		}
		_ = f.Close()
	}
	return fs.ErrPermission
}

// open opens a file or directory of a tree if it is one of the operating system, and else returns
// [errors.ErrUnsupported]. The caller closes it.
func open(tree vfs.Tree, name string) (*os.File, error) {
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	osFile, ok := vfs.OSFile(f)
	if !ok {
		_ = f.Close() // it was not written to
		return nil, errors.ErrUnsupported
	}
	return osFile, nil
}

// Supported reports whether a directory of the tree can be synced, which its root is asked for. Where that is not so,
// names survive a crash only as far as the file system sees to it by itself.
func Supported(tree vfs.Tree) bool {
	f, err := open(tree, "/")
	if err != nil {
		return errors.Is(err, fs.ErrPermission)
	}
	defer f.Close()
	_, ok := keyOf(f)
	return ok && !isUnsupported(f.Sync())
}

// timed calls sync and tells OnSync of it. That a file system cannot sync is no failure.
func (p Policy) timed(isDir bool, sync func() error) error {
	begun := time.Now()
	err := sync()
	if isUnsupported(err) {
		err = nil
	}
	if p.OnSync != nil {
		p.OnSync(SyncResult{Directory: isDir, Duration: time.Since(begun), Err: err})
	}
	return err
}

func isUnsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}
