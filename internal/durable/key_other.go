//go:build !unix

package durable

import (
	"io/fs"
	"os"
)

// keyOf returns which file f is; ok is false where directories cannot be synced: Windows flushes what is open for
// writing alone, and no directory is.
func keyOf(*os.File) (key fileKey, ok bool) { return fileKey{}, false }

// deviceOf returns which file system info is from.
func deviceOf(fs.FileInfo) (device uint64, ok bool) { return 0, false }
