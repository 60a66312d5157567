//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package s3fs

import (
	"errors"
	"os"
	"syscall"
)

const hasModes = true

// lockDir locks a directory until unlock is called or the process ends.
func lockDir(root *os.Root, _ string) (unlock func(), err error) {
	f, err := root.OpenFile(lockName, os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrCacheInUse
		}
		return nil, os.NewSyscallError("flock", err)
	}
	return func() { _ = f.Close() }, nil
}
