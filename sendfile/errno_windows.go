package sendfile

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// peerErrnos are the errors of TransmitFile that come from the socket. Package
// syscall has the Unix names on Windows too, with numbers that Windows does not
// return.
var peerErrnos = [...]syscall.Errno{
	windows.WSAECONNRESET,
	windows.WSAECONNABORTED,
	windows.WSAESHUTDOWN, // this process has shut down the socket for writing
	windows.WSAENOTCONN,
	windows.WSAEDISCON,
	windows.WSAETIMEDOUT, // retransmissions went unanswered
	windows.WSAENETRESET, // keep-alive probes went unanswered
	windows.WSAENETDOWN,
	windows.WSAENETUNREACH,
	windows.WSAEHOSTUNREACH,
	windows.WSAENOBUFS,
	windows.ERROR_NETNAME_DELETED,     // WSAECONNRESET as a Win32 error
	windows.ERROR_CONNECTION_ABORTED,  // WSAECONNABORTED as a Win32 error
	windows.ERROR_GRACEFUL_DISCONNECT, // WSAEDISCON as a Win32 error
	windows.ERROR_SEM_TIMEOUT,         // WSAETIMEDOUT as a Win32 error
	windows.ERROR_OPERATION_ABORTED,   // without a cancel: the connection ended during the call
}

// unsupportedErrnos say that TransmitFile does not work from this file to this
// socket. The copy method takes over; its read or write returns the real error if
// there is one.
var unsupportedErrnos = [...]syscall.Errno{
	windows.ERROR_INVALID_FUNCTION,  // the file system does not know the request
	windows.ERROR_INVALID_PARAMETER, // the file is of a kind that cannot be transmitted
	windows.ERROR_NOT_SUPPORTED,
	windows.ERROR_CALL_NOT_IMPLEMENTED,
	windows.ERROR_INVALID_HANDLE, // the call accepts no such file or socket
	windows.WSAENOTSOCK,
	windows.WSAEINVAL,
	windows.WSAEOPNOTSUPP, // a socket of another family or provider
}
