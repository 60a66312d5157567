//go:build !linux

package sendfile

// No road but Copy yet, and no look into the send queue.
var (
	sysSendfile func(socket, file uintptr, off int64, n int) (int, error)
	sysSplice   func(from uintptr, fromOff *int64, to uintptr, toOff *int64, n int) (int, error)
	sysQueued   func(socket uintptr) (int, error)
)
