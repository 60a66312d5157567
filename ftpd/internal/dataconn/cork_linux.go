package dataconn

import "syscall"

// cork is TCP_CORK; shutdown(2) sends what is held back, with the FIN.
func cork(fd uintptr) {
	_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_CORK, 1)
}
