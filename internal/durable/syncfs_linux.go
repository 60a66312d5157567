package durable

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// syncFileSystem brings the whole file system of f to the disk. It reports what could not be written since Linux 5.8
// (syncfs(2)).
func syncFileSystem(f *os.File) error {
	err := unix.Syncfs(int(f.Fd()))
	runtime.KeepAlive(f)
	return err
}
