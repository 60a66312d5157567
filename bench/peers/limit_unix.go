//go:build unix

package peers

import "golang.org/x/sys/unix"

// fileLimit returns how many descriptors a server may open: enough for any
// benchmark, and no more than the hard limit of the system.
func fileLimit() uint64 {
	const enough = 65536
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return enough
	}
	return min(uint64(limit.Max), enough)
}
