//go:build unix

package methods

import (
	"time"

	"golang.org/x/sys/unix"
)

// used is getrusage(2) of this process. Threads that the kernel made for
// io_uring are in it.
func used() account {
	var ru unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &ru); err != nil {
		return account{}
	}
	return account{
		User:     time.Duration(ru.Utime.Nano()),
		System:   time.Duration(ru.Stime.Nano()),
		Switches: int64(ru.Nvcsw) + int64(ru.Nivcsw),
		Known:    true,
	}
}
