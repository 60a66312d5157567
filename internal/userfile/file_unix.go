//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package userfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openNext opens a file for writing, or creates it for its owner only.
func openNext(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
}

// isOwn reports whether a file belongs to this user and has one name.
func isOwn(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && stat.Nlink == 1
}

// makePrivate allows f to its owner only. A killed process may have given it the mode
// of the target.
func makePrivate(f *os.File) error { return f.Chmod(0o600) }

// lock waits until no other process has locked f.
func lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// keepAttributes gives f the owner, group and mode of old, which may be nil.
func keepAttributes(f *os.File, old fs.FileInfo) error {
	if old == nil {
		return nil
	}
	before := old.Sys().(*syscall.Stat_t)
	now, err := f.Stat()
	if err != nil {
		return err
	}
	if is := now.Sys().(*syscall.Stat_t); is.Uid != before.Uid || is.Gid != before.Gid {
		if err := f.Chown(int(before.Uid), int(before.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(old.Mode().Perm())
}

func rename(f *os.File, target string) error { return os.Rename(f.Name(), target) }

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
