//go:build unix

package ftpd

import "syscall"

// keepUrgentInline sets SO_OOBINLINE. Without it the kernel takes the urgent byte out of
// the stream: clients that send "ABOR\r\n" as urgent data (Python's ftplib) lose the line
// feed and wait for ever.
func keepUrgentInline(fd uintptr) error {
	return syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_OOBINLINE, 1)
}
