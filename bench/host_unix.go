//go:build unix

package bench

import "golang.org/x/sys/unix"

// kernelRelease returns what uname -r prints, or nothing.
func kernelRelease() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}
