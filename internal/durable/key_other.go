//go:build !unix

package durable

import (
	"io/fs"
	"os"
)

// keyOf returns ok = false, because directories cannot be synced here: Windows flushes only files that are open for
// writing.
func keyOf(*os.File) (key fileKey, ok bool) { return fileKey{}, false }

// deviceOf returns ok = false, see keyOf.
func deviceOf(fs.FileInfo) (device uint64, ok bool) { return 0, false }
