//go:build !linux

package vfs

import "os"

// newOpener uses os.Root, the only road here. FreeBSD has O_RESOLVE_BENEATH, but nobody has tried it for us yet.
func newOpener(root *os.Root) (opener, error) {
	if _, err := root.Lstat("."); err != nil {
		return nil, err
	}
	return osRootOpener{root}, nil
}
