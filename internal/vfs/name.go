package vfs

import (
	"io/fs"
	"path"
	"strings"
)

// cleanName returns the one form that all spellings of a client's name have: relative to the root, separated by
// single slashes, without "." and ".." elements. The root is ".".
func cleanName(name string) (string, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return "", fs.ErrInvalid // the kernel would take the part before the NUL for the whole name
	}
	if name == "" || name[0] != '/' {
		name = "/" + name
	}
	// Cleaning a rooted path drops each ".." that would climb above it.
	if name = path.Clean(name)[1:]; name == "" {
		name = "."
	}
	return name, nil
}

// localPath returns the path beneath the root that name stands for on this system.
func localPath(name string) (string, error) {
	name, err := cleanName(name)
	if err != nil {
		return "", err
	}
	return localize(name)
}

// IsHidden reports whether an element of a name begins with a dot, by which files are hidden on Unix: those are not for
// guests. All but ".well-known" are, which is for everybody (RFC 8615).
func IsHidden(name string) bool {
	for element := range strings.SplitSeq(path.Clean("/"+name), "/") {
		if strings.HasPrefix(element, ".") && element != ".well-known" {
			return true
		}
	}
	return false
}
