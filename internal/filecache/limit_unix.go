//go:build unix

package filecache

import (
	"math"

	"golang.org/x/sys/unix"
)

// descriptorLimit returns how many descriptors the process may have.
func descriptorLimit() (int, bool) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)), true
}
