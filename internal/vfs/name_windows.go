package vfs

import (
	"io/fs"
	"path/filepath"
)

// localize turns slashes into backslashes. It refuses characters and names that have a meaning for Windows:
// backslashes, colons (drives, streams) and reserved device names.
func localize(name string) (string, error) {
	l, err := filepath.Localize(name)
	if err != nil {
		return "", fs.ErrInvalid // Localize gives no other reason than "invalid path"
	}
	return l, nil
}
