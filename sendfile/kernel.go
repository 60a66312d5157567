package sendfile

import (
	"io"
	"io/fs"
)

// kernel holds the system calls of a transfer. Those on descriptors return the
// bare errno, EINTR and EAGAIN included, and may return a count together with it.
// Tests replace system by a kernel of their own.
type kernel struct {
	// Calls on descriptors; nil where the platform lacks the call. The transfer
	// then uses the methods of net.Conn and os.File.
	sendfile  func(socket, file uintptr, off *int64, n int) (int, error) // *off may change and means nothing afterwards
	splice    func(from uintptr, fromOff *int64, to uintptr, toOff *int64, n int) (int, error)
	write     func(socket uintptr, p []byte) (int, error)
	writeMore func(socket uintptr, p []byte) (int, error) // write when more follows right away; nil: use write
	read      func(socket uintptr, p []byte) (int, error)
	taken     func(socket uintptr) (taken, error) // how much the peer has taken
	fstat     func(file uintptr) (size int64, mode fs.FileMode, err error)
	reserve   func(file uintptr, off, n int64) error // allocates blocks without changing the size

	// Calls for TransmitFile; nil where the platform lacks it.
	transmit func() (transmission, error)        // makes the transmission of one transfer
	isServer func() bool                         // whether this is a server edition, which does not queue transmissions
	acked    func(socket uintptr) (int64, error) // bytes that the peer has acknowledged

	readAt  func(source io.ReaderAt, p []byte, off int64) (int, error)
	writeAt func(target io.WriterAt, p []byte, off int64) (int, error)
}

// system is the kernel that this process runs on.
var system = kernel{
	sendfile:  sysSendfile,
	splice:    sysSplice,
	write:     sysWrite,
	writeMore: sysWriteMore,
	read:      sysRead,
	taken:     sysTaken,
	fstat:     sysFstat,
	reserve:   sysReserve,
	transmit:  sysTransmit,
	isServer:  sysIsServer,
	acked:     sysAcked,
	readAt:    io.ReaderAt.ReadAt,
	writeAt:   io.WriterAt.WriteAt,
}
