//go:build unix

package ftpd

import "syscall"

// keepUrgentInline is SO_OOBINLINE: without it the urgent byte is taken out of the
// stream, and clients that send "ABOR\r\n" as urgent data (Python's ftplib)
// lose the line feed and wait for ever.
func keepUrgentInline(fd uintptr) error {
	return syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_OOBINLINE, 1)
}
