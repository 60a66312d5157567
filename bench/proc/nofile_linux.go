package proc

import "golang.org/x/sys/unix"

// RaiseFileLimit lets this process, and those that it starts later, open 65,536
// descriptors, or as many as the hard limit allows.
func RaiseFileLimit() {
	const enough = 65536
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	wanted := unix.Rlimit{Cur: max(limit.Cur, enough), Max: max(limit.Max, enough)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &wanted) != nil { // only root raises the hard limit
		// Set even if it does not change: Go gives the servers the limit that this
		// process was started with, unless it has set one itself.
		limit.Cur = limit.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	}
}
