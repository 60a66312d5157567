package vfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/windows"

	"sluice/internal/nettest"
)

// What the kernel calls two mistakes.
var (
	errNotEmpty   error = windows.ERROR_DIR_NOT_EMPTY
	errIntoItself error = func() error {
		if nettest.OnWine() {
			return windows.ERROR_INVALID_PARAMETER
		}
		return windows.ERROR_SHARING_VIOLATION
	}()
)

// changed has nothing to add to what a FileInfo tells of itself.
func changed(fs.FileInfo) string { return "" }

// noLinks tells why there are no symbolic links here, or nothing.
var noLinks = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "vfs")
	if err != nil {
		return err.Error()
	}
	defer os.Remove(dir)
	link := filepath.Join(dir, "link")
	if err := os.Symlink("target", link); err != nil {
		return fmt.Sprintf("symbolic links need a privilege on Windows: %v", err)
	}
	if err := os.Remove(link); err != nil {
		return "wine 8 says that it has made a symbolic link, and has not"
	}
	return ""
})

// excuse tells why err is not the fault of the tree, or nothing.
func excuse(err error) string {
	if nettest.OnWine() && errors.Is(err, windows.ERROR_INVALID_FUNCTION) {
		return "wine 8 lacks FileDispositionInformationEx, by which os.Root removes"
	}
	return ""
}
