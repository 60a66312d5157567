//go:build unix

package load

import "golang.org/x/sys/unix"

// fileLimit returns how many descriptors this process may have. Package os raised
// the soft limit to the hard limit at the start of the program.
func fileLimit() (limit uint64, known bool) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, false
	}
	return uint64(r.Cur), true
}
