//go:build unix

package sandbox

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MayWrite reports why the process may not make, rename and remove files in an open directory.
func MayWrite(dir *os.File) error {
	defer runtime.KeepAlive(dir)
	return unix.Faccessat(int(dir.Fd()), ".", unix.W_OK|unix.X_OK, 0)
}

// FirstFreePort returns the first port that everybody may listen on, ip(7).
func FirstFreePort() int {
	const usual = 1024
	content, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	if err != nil {
		return usual
	}
	first, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return usual
	}
	return first
}

// MayBindAll reports whether the process may listen on ports below that.
func MayBindAll() bool { return os.Geteuid() == 0 }
