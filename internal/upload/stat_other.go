//go:build !unix

package upload

import (
	"errors"
	"io/fs"
	"os"
)

// hasNoName reports whether info is of an open file that was removed, or replaced. Here nobody tells.
func hasNoName(fs.FileInfo) bool { return false }

// isSame reports whether two descriptions are of one file. Here they must come from package os.
func isSame(a, b fs.FileInfo) bool { return os.SameFile(a, b) }

// passOwner gives f the owner of info, which no other file has here.
func passOwner(fs.FileInfo, *os.File) bool { return true }

// isOfSystem reports whether info is of a file of the operating system, whose attributes are passed on: here there are
// none.
func isOfSystem(fs.FileInfo) bool { return false }

// appendOnly cannot be had here: a file that is open for that tells nobody where its writes have gone.
func appendOnly(*os.File) error { return errors.ErrUnsupported }
