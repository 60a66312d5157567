//go:build unix

package peers

import "golang.org/x/sys/unix"

// fileLimit is the number of descriptors that a server may open: enough for
// any benchmark, and not more than the system lets it have.
func fileLimit() uint64 {
	const enough = 65536
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return enough
	}
	return min(uint64(limit.Max), enough)
}
