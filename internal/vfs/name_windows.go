package vfs

import (
	"io/fs"
	"path/filepath"
)

// localize turns slashes into backslashes and refuses what Windows would read as more than a name: backslashes,
// colons (drives, streams) and reserved device names.
func localize(name string) (string, error) {
	l, err := filepath.Localize(name)
	if err != nil {
		return "", fs.ErrInvalid // Localize says only "invalid path"
	}
	return l, nil
}
