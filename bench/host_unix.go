//go:build unix

package bench

import "golang.org/x/sys/unix"

// kernelRelease returns the output of uname -r, or "".
func kernelRelease() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}
