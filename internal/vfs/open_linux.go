package vfs

import (
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"sluice/internal/fileid"
)

// openat2Opener opens with one openat2(2), however long the path is. The kernel resolves it and refuses to leave dir.
type openat2Opener struct {
	mu  sync.RWMutex // held for reading while fd is in use: a reused number would be another directory
	dir *os.File     // nil after Close
	fd  int          // of dir
}

// newOpener prefers openat2 where it works. It uses root, and does not close it.
func newOpener(root *os.Root) (opener, error) {
	dir, err := root.Open(".") // of root rather than by its name, so that both are the same directory
	if err != nil {
		return nil, err
	}
	if !hasOpenat2() {
		_ = dir.Close()
		return osRootOpener{root}, nil
	}
	return &openat2Opener{dir: dir, fd: int(dir.Fd())}, nil
}

// resolveFlags is what makes openat2 stay in the tree. Beneath refuses magic links as well, but openat2(2) does not
// promise that it always will.
const resolveFlags = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS

// hasOpenat2 asks the kernel once. ENOSYS comes from Linux before 5.6 and from emulators, EPERM from seccomp
// filters of older container engines; whatever else goes wrong, os.Root is only slower, so one doubt is enough.
var hasOpenat2 = sync.OnceValue(func() bool {
	fd, err := openat2(unix.AT_FDCWD, ".", unix.O_PATH, 0)
	if err != nil {
		return false
	}
	_ = unix.Close(fd)
	return true
})

func (b *openat2Opener) open(path string, flag int, perm fs.FileMode) (*os.File, error) {
	fd, err := b.openFD(path, flag|openFlags, perm)
	if err != nil {
		return nil, err
	}
	return newFile(fd, path, flag)
}

func (b *openat2Opener) openFD(path string, flag int, perm fs.FileMode) (int, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.dir == nil {
		return -1, fs.ErrClosed
	}
	fd, err := openat2(b.fd, path, flag, perm)
	if err == unix.EXDEV { //nolint:errorlint // a system call's bare errno
		return -1, ErrOutside // RESOLVE_BENEATH met an absolute link, or one that climbs above the root
	}
	if err != nil {
		return -1, specialError(err)
	}
	return fd, nil
}

// readable makes one faccessat2(2), which asks for the rights of the effective user, as open does; before Linux 5.8 x/sys
// reckons them from the mode.
func (b *openat2Opener) readable(path string) error {
	return b.withDir(func(fd int) error { return unix.Faccessat(fd, path, unix.R_OK, unix.AT_EACCESS) })
}

// identify makes one fstatat(2).
func (b *openat2Opener) identify(path string) (fileid.ID, error) {
	var st unix.Stat_t
	if err := b.withDir(func(fd int) error { return unix.Fstatat(fd, path, &st, 0) }); err != nil {
		return fileid.ID{}, err
	}
	return fileid.OfStat(&st), nil
}

// withDir calls f with the descriptor of the directory, until it is not interrupted.
func (b *openat2Opener) withDir(f func(fd int) error) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.dir == nil {
		return fs.ErrClosed
	}
	return retryEINTR(func() error { return f(b.fd) })
}

// Close waits for the opens under way.
func (b *openat2Opener) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir == nil {
		return nil
	}
	dir := b.dir
	b.dir, b.fd = nil, -1
	return dir.Close()
}

// openat2 opens path beneath dirfd.
func openat2(dirfd int, path string, flag int, perm fs.FileMode) (int, error) {
	// EAGAIN means that something on the machine was renamed or mounted while the kernel looked at a "..", and
	// could not tell whether it had left the tree. openat2(2) says to try again; the bound is for files under a
	// lease, which answer the same for as long as their holder likes.
	const tries = 128

	how := unix.OpenHow{Flags: uint64(flag | unix.O_CLOEXEC), Resolve: resolveFlags}
	if flag&(unix.O_CREAT|unix.O_TMPFILE&^unix.O_DIRECTORY) != 0 {
		how.Mode = uint64(perm) // EINVAL when nothing can be created; open(2) would not mind
	}
	for try := 1; ; {
		fd, err := unix.Openat2(dirfd, path, &how)
		switch err { //nolint:errorlint // a system call's bare errno
		case unix.EINTR: // a signal, on a slow file system
			continue
		case unix.EAGAIN:
			if try++; try <= tries {
				continue
			}
		}
		return fd, err
	}
}
