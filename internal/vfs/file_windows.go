package vfs

import (
	"os"

	"golang.org/x/sys/windows"
)

// openFlags is empty: there are no FIFOs on a Windows disk.
const openFlags = 0

// reopen returns a duplicate of f, called name. The caller still closes f.
func reopen(f *os.File, name string, _ int) (*os.File, error) {
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !isOpenable(fi.Mode()) {
		return nil, ErrSpecial
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var dup windows.Handle
	self := windows.CurrentProcess()
	cerr := conn.Control(func(h uintptr) {
		err = windows.DuplicateHandle(self, windows.Handle(h), self, &dup, 0, false, windows.DUPLICATE_SAME_ACCESS)
	})
	if cerr != nil {
		return nil, cerr
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(dup), name), nil
}

// specialError returns err: Windows has no error for special files.
func specialError(err error) error { return err }
