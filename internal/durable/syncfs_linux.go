package durable

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// syncFileSystem flushes the whole file system of f to the disk. Before Linux 5.8 it does not report write errors
// (syncfs(2)).
func syncFileSystem(f *os.File) error {
	err := unix.Syncfs(int(f.Fd()))
	runtime.KeepAlive(f)
	return err
}
