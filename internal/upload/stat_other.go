//go:build !unix

package upload

import (
	"errors"
	"io/fs"
	"os"
)

// isUnlinked returns false: it cannot be found out on this system.
func isUnlinked(fs.FileInfo) bool { return false }

// isSameFile reports whether a and b, which must come from package os, describe the same file.
func isSameFile(a, b fs.FileInfo) bool { return os.SameFile(a, b) }

// copyOwner does nothing: owners are copied on Unix only.
func copyOwner(fs.FileInfo, *os.File) bool { return true }

// isOSFile returns false: no attributes are copied on this system.
func isOSFile(fs.FileInfo) bool { return false }

// setAppend is unsupported: on this system the offset of an appending write is not known.
func setAppend(*os.File) error { return errors.ErrUnsupported }
