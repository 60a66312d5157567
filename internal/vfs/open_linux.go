package vfs

import (
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"sluice/internal/fileid"
)

// openat2Opener opens with one openat2(2) for any path. The kernel resolves the path and refuses to leave dir.
type openat2Opener struct {
	dir *os.File
	fd  int // of dir

	// users is the number of calls that use fd, because its number is free for another file afterwards; less by closed
	// after Close. The last one closes dir: Close must not wait for a call that hangs.
	users atomic.Int64
}

const closed = 1 << 62

// use reports whether dir is open. If so, the caller calls leave.
func (o *openat2Opener) use() bool {
	for n := o.users.Load(); n >= 0; n = o.users.Load() {
		if o.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

func (o *openat2Opener) leave() {
	if o.users.Add(-1) == -closed {
		_ = o.dir.Close() // it was only read
	}
}

// newOpener returns an openat2Opener if the kernel has openat2. It does not take ownership of root.
func newOpener(root *os.Root) (opener, error) {
	dir, err := root.Open(".") // not by its path, which may mean another directory by now
	if err != nil {
		return nil, err
	}
	if !hasOpenat2() {
		_ = dir.Close()
		return osRootOpener{root}, nil
	}
	return &openat2Opener{dir: dir, fd: int(dir.Fd())}, nil
}

// resolveFlags make openat2 stay in the tree. RESOLVE_BENEATH refuses magic links too, but openat2(2) says that this may
// change.
const resolveFlags = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS

// hasOpenat2 tries openat2 once. ENOSYS comes from Linux before 5.6 and from emulators, EPERM from seccomp filters of
// older container engines. After any other error os.Root is used too: it is only slower.
var hasOpenat2 = sync.OnceValue(func() bool {
	fd, err := openat2(unix.AT_FDCWD, ".", unix.O_PATH, 0, 0)
	if err != nil {
		return false
	}
	_ = unix.Close(fd)
	return true
})

func (o *openat2Opener) open(path string, flag int, perm fs.FileMode) (*os.File, error) {
	return o.openWith(path, flag, perm, 0)
}

func (o *openat2Opener) openWith(path string, flag int, perm fs.FileMode, resolve uint64) (*os.File, error) {
	fd, err := o.openFD(path, flag|openFlags, perm, resolve)
	if err != nil {
		return nil, err
	}
	return newFile(fd, path, flag)
}

// stayingOpener is an openat2Opener that goes to no other mount: the error is errCrosses. The kernel finds that out without
// asking the other file system.
type stayingOpener struct{ *openat2Opener }

func (o *openat2Opener) staying() opener { return stayingOpener{o} }

func (o stayingOpener) open(path string, flag int, perm fs.FileMode) (*os.File, error) {
	return o.openWith(path, flag, perm, unix.RESOLVE_NO_XDEV)
}

func (o stayingOpener) openReal(path string) (*os.File, error) {
	return o.openWith(path, os.O_RDONLY, 0, unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_NO_XDEV)
}

func (o stayingOpener) openDir(path string) (directory, error) {
	f, err := o.open(path, unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return openat2Dir{f}, nil
}

func (o stayingOpener) readable(path string) error {
	if o.crosses(path) {
		return errCrosses
	}
	return o.openat2Opener.readable(path)
}

func (o stayingOpener) identify(path string) (fileid.ID, error) {
	if o.crosses(path) {
		return fileid.ID{}, errCrosses
	}
	return o.openat2Opener.identify(path)
}

// crosses reports whether path leads to another mount. It is false if there is no such file.
func (o *openat2Opener) crosses(path string) bool {
	fd, err := o.openFD(path, unix.O_PATH, 0, unix.RESOLVE_NO_XDEV)
	if err == nil {
		_ = unix.Close(fd)
	}
	return err == errCrosses //nolint:errorlint // the value itself
}

// openReal has the kernel refuse every link.
func (o *openat2Opener) openReal(path string) (*os.File, error) {
	return o.openWith(path, os.O_RDONLY, 0, unix.RESOLVE_NO_SYMLINKS)
}

func (o *openat2Opener) openFD(path string, flag int, perm fs.FileMode, resolve uint64) (int, error) {
	if !o.use() {
		return -1, fs.ErrClosed
	}
	defer o.leave()
	fd, err := openat2(o.fd, path, flag, perm, resolve)
	if err == unix.EXDEV && resolve&unix.RESOLVE_NO_XDEV != 0 { //nolint:errorlint // a system call's bare errno
		return -1, errCrosses // or it leads out of the tree
	}
	if err == unix.EXDEV { //nolint:errorlint // a system call's bare errno
		return -1, ErrOutside // the path has an absolute link, or one that climbs above the root
	}
	if err != nil {
		return -1, specialError(err)
	}
	return fd, nil
}

// readable makes one faccessat2(2), which checks the rights of the effective user, as open does. Before Linux 5.8, x/sys
// computes them from the mode.
func (o *openat2Opener) readable(path string) error {
	return o.withDir(func(fd int) error { return unix.Faccessat(fd, path, unix.R_OK, unix.AT_EACCESS) })
}

// identify makes one fstatat(2).
func (o *openat2Opener) identify(path string) (fileid.ID, error) {
	var st unix.Stat_t
	if err := o.withDir(func(fd int) error { return unix.Fstatat(fd, path, &st, 0) }); err != nil {
		return fileid.ID{}, err
	}
	return fileid.OfStat(&st), nil
}

// withDir calls f with the descriptor of the directory, again after EINTR.
func (o *openat2Opener) withDir(f func(fd int) error) error {
	if !o.use() {
		return fs.ErrClosed
	}
	defer o.leave()
	return retryEINTR(func() error { return f(o.fd) })
}

// Close closes the directory, or makes the last call that uses it do so.
func (o *openat2Opener) Close() error {
	for n := o.users.Load(); n >= 0; n = o.users.Load() {
		if !o.users.CompareAndSwap(n, n-closed) {
			continue
		}
		if n == 0 {
			return o.dir.Close()
		}
		break
	}
	return nil
}

// openat2 opens path beneath dirfd. resolve is added to resolveFlags.
func openat2(dirfd int, path string, flag int, perm fs.FileMode, resolve uint64) (int, error) {
	// EAGAIN means that a rename or mount anywhere on the machine kept the kernel from deciding whether a ".." stays
	// in the tree. openat2(2) says to try again. The number of tries is limited because a file under a lease returns
	// EAGAIN until its holder gives the lease up.
	const tries = 128

	how := unix.OpenHow{Flags: uint64(flag | unix.O_CLOEXEC), Resolve: resolveFlags | resolve}
	if flag&(unix.O_CREAT|unix.O_TMPFILE&^unix.O_DIRECTORY) != 0 {
		how.Mode = uint64(perm) // only then: without these flags a mode is EINVAL, unlike for open(2)
	}
	for try := 1; ; {
		fd, err := unix.Openat2(dirfd, path, &how)
		switch err { //nolint:errorlint // a system call's bare errno
		case unix.EINTR: // interrupted by a signal, on a slow file system
			continue
		case unix.EAGAIN:
			if try++; try <= tries {
				continue
			}
		}
		return fd, err
	}
}
