//go:build unix

package methods

import (
	"time"

	"golang.org/x/sys/unix"
)

// processUsage is getrusage(2) of this process. It includes the threads that
// the kernel made for io_uring.
func processUsage() usage {
	var ru unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &ru); err != nil {
		return usage{}
	}
	return usage{
		User:     time.Duration(ru.Utime.Nano()),
		System:   time.Duration(ru.Stime.Nano()),
		Switches: int64(ru.Nvcsw) + int64(ru.Nivcsw),
		Known:    true,
	}
}
