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

// The errors of this system for removing a full directory, and for moving a directory into itself.
var (
	errNotEmpty   error = windows.ERROR_DIR_NOT_EMPTY
	errIntoItself error = func() error {
		if nettest.OnWine() {
			return windows.ERROR_INVALID_PARAMETER
		}
		return windows.ERROR_SHARING_VIOLATION
	}()
)

// changed returns "": FileInfo has all attributes.
func changed(fs.FileInfo) string { return "" }

// noLinks returns why symbolic links do not work here, or "".
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
		return "wine 8 reports success for a symbolic link that it has not made"
	}
	return ""
})

// excuse returns a reason if err is the fault of wine, or "".
func excuse(err error) string {
	if nettest.OnWine() && errors.Is(err, windows.ERROR_INVALID_FUNCTION) {
		return "wine 8 lacks FileDispositionInformationEx, which os.Root needs to remove files"
	}
	return ""
}
