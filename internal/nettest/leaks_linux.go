package nettest

import (
	"os"
	"path"
	"path/filepath"
)

// openFiles returns the target of each open file descriptor of this process, by number. It leaves out the list of mounts,
// which package mounts opens once.
func openFiles() map[string]string {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // no /proc here
	}
	files := make(map[string]string)
	for _, e := range entries {
		// The descriptor of ReadDir is listed too, but closed by now.
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && path.Base(target) != "mountinfo" {
			files[e.Name()] = target
		}
	}
	return files
}
