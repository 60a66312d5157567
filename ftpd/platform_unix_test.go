//go:build unix

package ftpd_test

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// sendUrgent sends s with its last byte urgent (MSG_OOB).
func sendUrgent(t *testing.T, c *net.TCPConn, s string) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var sent error
	if err := raw.Control(func(fd uintptr) {
		sent = syscall.Sendto(int(fd), []byte(s), syscall.MSG_OOB, nil)
	}); err != nil || sent != nil {
		t.Fatal(err, sent)
	}
}

func makeFIFO(t *testing.T, path string) {
	t.Helper()
	if err := unix.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
}
