//go:build unix

package sandbox

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MayWrite returns an error if the process may not create, rename and remove files in an
// open directory.
func MayWrite(dir *os.File) error {
	defer runtime.KeepAlive(dir)
	return unix.Faccessat(int(dir.Fd()), ".", unix.W_OK|unix.X_OK, 0)
}

// FirstFreePort returns the lowest port that every user may listen on, ip(7).
func FirstFreePort() int {
	const defaultPort = 1024
	content, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	if err != nil {
		return defaultPort
	}
	first, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return defaultPort
	}
	return first
}

// MayBindAll reports whether the process may listen on ports below FirstFreePort.
func MayBindAll() bool { return os.Geteuid() == 0 }
