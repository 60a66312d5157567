//go:build !unix && !windows

package digest

import "os"

// stat returns as much of the identity of f as there is. The time of its last change is not, so it is not known.
func stat(f *os.File) (identity, error) {
	fi, err := f.Stat()
	if err != nil {
		return identity{}, err
	}
	if !fi.Mode().IsRegular() {
		return identity{}, errNotRegular
	}
	return identity{size: fi.Size(), written: fi.ModTime()}, nil
}
