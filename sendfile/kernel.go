package sendfile

import (
	"io"
	"io/fs"
)

// kernel is what a transfer asks of the operating system. The calls on
// descriptors return what the system call does: an errno as it is, EINTR and
// EAGAIN included, and may return a count beside it. Tests put their own in
// the place of system.
type kernel struct {
	// On descriptors; nil where the platform has no such call, and then the
	// transfer uses the methods of net.Conn and os.File.
	sendfile func(socket, file uintptr, off *int64, n int) (int, error) // *off may change and means nothing afterwards
	splice   func(from uintptr, fromOff *int64, to uintptr, toOff *int64, n int) (int, error)
	write    func(socket uintptr, p []byte) (int, error)
	hold     func(socket uintptr, p []byte) (int, error) // write, of what more follows at once; nil: the same as write
	read     func(socket uintptr, p []byte) (int, error)
	queued   func(socket uintptr) (int, error) // bytes written and not yet acknowledged
	fstat    func(file uintptr) (size int64, mode fs.FileMode, err error)
	reserve  func(file uintptr, off, n int64) error // makes room behind the end without moving it

	transmit func() (transmission, error)        // for one transfer; nil where there is no TransmitFile
	isServer func() bool                         // transmissions do not wait for those of others; nil as above
	taken    func(socket uintptr) (int64, error) // bytes that the peer has acknowledged, as far as that is known; nil as above

	readAt  func(source io.ReaderAt, p []byte, off int64) (int, error)
	writeAt func(target io.WriterAt, p []byte, off int64) (int, error)
}

// system is the kernel we run on.
var system = kernel{
	sendfile: sysSendfile,
	splice:   sysSplice,
	write:    sysWrite,
	hold:     sysHold,
	read:     sysRead,
	queued:   sysQueued,
	fstat:    sysFstat,
	reserve:  sysReserve,
	transmit: sysTransmit,
	isServer: sysIsServer,
	taken:    sysTaken,
	readAt:   io.ReaderAt.ReadAt,
	writeAt:  io.WriterAt.WriteAt,
}
