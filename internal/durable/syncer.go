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

// Syncer flushes changes to the disk. The zero value is ready for use. It is safe for concurrent use and must not be
// copied.
type Syncer struct {
	shared sharedSyncs

	mu      sync.Mutex          // guards the fields below
	waiting map[fileKey]pending // files and directories to be synced by Flush
	timer   *time.Timer         // calls Flush
}

// fileKey identifies a file or directory independent of its name.
type fileKey struct{ device, inode uint64 }

// pending is an open file or directory that is to be synced.
type pending struct {
	file   *os.File
	policy Policy
	isDir  bool
}

// Bounds for syncs that no caller waits for: the delay, and the number of open files.
const (
	maxDelay   = 500 * time.Millisecond
	maxWaiting = 128
)

// SyncFile flushes the content of a file to the disk by calling sync, unless the level is None. It blocks until the disk
// has finished. After an error the state of the file on the disk is unknown, and a second call may succeed without having
// written the data: the kernel may have dropped it (fsync(2)).
func (s *Syncer) SyncFile(p Policy, sync func() error) error {
	if p.Level == None {
		return nil
	}
	return p.syncAndReport(false, sync)
}

// SyncAdded flushes new names of files, directories and links to the disk, if the level is Full or Strict. It blocks until
// the disk has finished. The error is an [*Error].
func (s *Syncer) SyncAdded(p Policy, tree vfs.Tree, names ...string) error {
	if p.Level == Rename || p.Level == None {
		return nil
	}
	return s.syncParents(p, tree, names)
}

// SyncRemoved flushes the removal of a name to the disk: with the level Strict before it returns, with Full within a
// second.
func (s *Syncer) SyncRemoved(p Policy, tree vfs.Tree, name string) error {
	switch p.Level {
	case Strict:
		return s.syncParents(p, tree, []string{name})
	case Full:
		s.syncLater(p, tree, path.Dir(name), true)
	}
	return nil
}

// SyncChanged flushes the time, mode or owner of a file to the disk, with the same delays as SyncRemoved.
func (s *Syncer) SyncChanged(p Policy, tree vfs.Tree, name string) error {
	switch p.Level {
	case Strict:
		f, err := openOS(tree, name)
		if err != nil { // a file that cannot be opened for reading cannot be synced itself
			return s.syncParents(p, tree, []string{name})
		}
		defer f.Close()
		if _, ok := keyOf(f); !ok {
			return nil // no sync on this system
		}
		if err := p.syncAndReport(false, f.Sync); err != nil {
			return &Error{err}
		}
	case Full:
		s.syncLater(p, tree, name, false)
	}
	return nil
}

// Flush makes all delayed syncs now. It blocks until the disk has finished. Errors are passed to OnSync.
func (s *Syncer) Flush() {
	s.mu.Lock()
	waiting := s.waiting
	s.waiting = nil
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	for key, w := range waiting {
		_ = s.shared.do(key, func() error { return w.policy.syncAndReport(w.isDir, ignoreRemoved(w.file.Sync)) })
		_ = w.file.Close() // it was not written to
	}
}

// syncLater syncs a file or directory within a second. One that cannot be opened is left to the kernel.
func (s *Syncer) syncLater(p Policy, tree vfs.Tree, name string, isDir bool) {
	f, err := openOS(tree, name)
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
		s.timer = time.AfterFunc(maxDelay, s.Flush)
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

// syncDir syncs the directory name. It is no error if the directory was removed: its names need not survive.
func (s *Syncer) syncDir(p Policy, tree vfs.Tree, name string) error {
	f, err := openOS(tree, name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return s.syncFileSystemOf(p, tree, name)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errors.ErrUnsupported):
		return nil
	case err != nil:
		return err
	}
	defer f.Close()
	key, ok := keyOf(f)
	if !ok {
		return nil // no sync on this system
	}
	return s.shared.do(key, func() error { return p.syncAndReport(true, ignoreRemoved(f.Sync)) })
}

// ignoreRemoved wraps sync for a directory or file that may be removed while it is open. Some file systems cannot sync it
// then, and nothing of it has to survive.
func ignoreRemoved(sync func() error) func() error {
	return func() error {
		err := sync()
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESTALE) { // of FUSE, and of NFS
			return nil
		}
		return err
	}
}

// syncFileSystemOf syncs the file system of a directory that cannot be read, by opening a directory above it.
func (s *Syncer) syncFileSystemOf(p Policy, tree vfs.Tree, name string) error {
	info, err := tree.Stat(name)
	if err != nil {
		return err
	}
	device, ok := deviceOf(info)
	for ok && name != "/" {
		name = path.Dir(name)
		f, err := openOS(tree, name)
		if err != nil {
			continue
		}
		if key, _ := keyOf(f); key.device == device {
			err = p.syncAndReport(true, func() error { return syncFileSystem(f) })
			_ = f.Close()
			return err
		}
		_ = f.Close()
	}
	return fs.ErrPermission
}

// openOS opens a file or directory of a tree. The error is [errors.ErrUnsupported] if it is no *os.File. The caller closes
// it.
func openOS(tree vfs.Tree, name string) (*os.File, error) {
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

// Supported reports whether directories of the tree can be synced, by syncing the root. If not, the file system alone
// decides when names become durable.
func Supported(tree vfs.Tree) bool {
	f, err := openOS(tree, "/")
	if err != nil {
		return errors.Is(err, fs.ErrPermission)
	}
	defer f.Close()
	_, ok := keyOf(f)
	return ok && !isUnsupported(f.Sync())
}

// syncAndReport calls sync, and OnSync with the result. A file system without sync is not an error.
func (p Policy) syncAndReport(isDir bool, sync func() error) error {
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
