package s3fs

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

const hasModes = false // a directory has the access list of the one that it is in

const errorSharingViolation syscall.Errno = 32

// lockDir locks a directory until unlock is called or the process ends: the file is open and shared with nobody.
func lockDir(_ *os.Root, dir string) (unlock func(), err error) {
	name, err := syscall.UTF16PtrFromString(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	const shared = 0
	h, err := syscall.CreateFile(name, syscall.GENERIC_WRITE, shared, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, errorSharingViolation):
		return nil, ErrCacheInUse
	case err != nil:
		return nil, &os.PathError{Op: "open", Path: lockName, Err: err}
	}
	return func() { _ = syscall.CloseHandle(h) }, nil
}
