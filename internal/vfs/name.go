package vfs

import (
	"io/fs"
	"path"
	"strings"
)

// cleanName returns the canonical form of a client's name: relative to the root, with single slashes and without "."
// and ".." elements. The root is ".".
func cleanName(name string) (string, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return "", fs.ErrInvalid // the kernel would end the name at the NUL
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

// localPath returns the path beneath the root for a client's name, in the form of this system.
func localPath(name string) (string, error) {
	name, err := cleanName(name)
	if err != nil {
		return "", err
	}
	return localize(name)
}

// IsHidden reports whether an element of a name begins with a dot, as names of hidden files do on Unix. Both servers keep
// such files from anonymous clients. Only ".well-known" is not hidden (RFC 8615).
func IsHidden(name string) bool {
	for element := range strings.SplitSeq(path.Clean("/"+name), "/") {
		if strings.HasPrefix(element, ".") && element != ".well-known" {
			return true
		}
	}
	return false
}
