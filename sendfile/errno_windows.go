package sendfile

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// peerErrnos are what TransmitFile fails with because of the socket. The names
// of Unix exist in package syscall here too, with numbers that Windows does
// not return.
var peerErrnos = [...]syscall.Errno{
	windows.WSAECONNRESET,
	windows.WSAECONNABORTED,
	windows.WSAESHUTDOWN, // we have shut down for writing
	windows.WSAENOTCONN,
	windows.WSAEDISCON,
	windows.WSAETIMEDOUT, // retransmissions went unanswered
	windows.WSAENETRESET, // keep-alive probes did
	windows.WSAENETDOWN,
	windows.WSAENETUNREACH,
	windows.WSAEHOSTUNREACH,
	windows.WSAENOBUFS,
	windows.ERROR_NETNAME_DELETED,     // a reset, in the words of the file system
	windows.ERROR_CONNECTION_ABORTED,  // likewise
	windows.ERROR_GRACEFUL_DISCONNECT, // likewise
	windows.ERROR_SEM_TIMEOUT,         // likewise WSAETIMEDOUT
	windows.ERROR_OPERATION_ABORTED,   // not by us: the connection went away below the call
}

// notHereErrnos say that a method does not lead from one end to the other. A
// read and a write find out what is the matter if none of them does.
var notHereErrnos = [...]syscall.Errno{
	windows.ERROR_INVALID_FUNCTION,  // the file system does not know the request
	windows.ERROR_INVALID_PARAMETER, // the file is of a kind that cannot be transmitted
	windows.ERROR_NOT_SUPPORTED,
	windows.ERROR_CALL_NOT_IMPLEMENTED,
	windows.ERROR_INVALID_HANDLE, // not a file, or not a socket, to this call
	windows.WSAENOTSOCK,
	windows.WSAEINVAL,
	windows.WSAEOPNOTSUPP, // a socket of another family or provider
}
