package vfs_test

import (
	"io/fs"

	"golang.org/x/sys/windows"
)

// What the kernel calls two mistakes.
var (
	errNotEmpty   error = windows.ERROR_DIR_NOT_EMPTY
	errIntoItself error = windows.ERROR_SHARING_VIOLATION
)

// changed has nothing to add to what a FileInfo tells of itself.
func changed(fs.FileInfo) string { return "" }
