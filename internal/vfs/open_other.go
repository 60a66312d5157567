//go:build !linux

package vfs

import "os"

// newOpener returns an osRootOpener. FreeBSD has O_RESOLVE_BENEATH, which was not tried yet.
func newOpener(root *os.Root) (opener, error) {
	if _, err := root.Lstat("."); err != nil {
		return nil, err
	}
	return osRootOpener{root}, nil
}
