package dataconn

import "syscall"

// cork sets TCP_CORK; shutdown(2) then sends the data together with the FIN.
func cork(fd uintptr) {
	_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_CORK, 1)
}
