//go:build !windows

package load

import "syscall"

var errnoKinds = map[syscall.Errno]string{
	syscall.ECONNRESET:    reset,
	syscall.EPIPE:         reset, // found when writing
	syscall.ECONNABORTED:  reset,
	syscall.ECONNREFUSED:  refused,
	syscall.ETIMEDOUT:     timedOut, // retransmissions went unanswered
	syscall.EADDRNOTAVAIL: noPort,   // all are in use or in TIME_WAIT
	syscall.EMFILE:        noFile,
	syscall.ENFILE:        noFile,
}
