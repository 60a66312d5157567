package load

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// The names of Unix exist in package syscall here too, with numbers that
// Windows does not return.
var errnoKinds = map[syscall.Errno]string{
	windows.WSAECONNRESET:    reset,
	windows.WSAECONNABORTED:  reset,
	windows.WSAESHUTDOWN:     reset,
	windows.WSAECONNREFUSED:  refused,
	windows.WSAETIMEDOUT:     timedOut, // retransmissions went unanswered
	windows.WSAEADDRNOTAVAIL: noPort,   // all are in use or in TIME_WAIT
	windows.WSAENOBUFS:       noPort,   // likewise
	windows.WSAEMFILE:        noFile,
}
