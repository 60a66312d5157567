package sendfile

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sysSplice is splice(2); from or to must be a pipe, which has no offset.
// SPLICE_F_NONBLOCK applies to the pipe only: the thread does not sleep when the
// pipe is full.
var sysSplice = func(from uintptr, fromOff *int64, to uintptr, toOff *int64, n int) (int, error) {
	moved, err := unix.Splice(int(from), fromOff, int(to), toOff, n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
	return int(moved), err
}

// sysWriteMore is send(2) with MSG_MORE.
var sysWriteMore = func(socket uintptr, p []byte) (int, error) {
	return unix.SendmsgN(int(socket), p, nil, nil, unix.MSG_MORE)
}

// sysTaken is getsockopt(2) TCP_INFO. Sockets of other kinds have ioctl(2) SIOCOUTQ, the
// bytes that the peer has not taken.
var sysTaken = func(socket uintptr) (taken, error) {
	var info unix.TCPInfo
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, socket, unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || uintptr(size) < unsafe.Offsetof(info.Bytes_acked)+unsafe.Sizeof(info.Bytes_acked) {
		n, err := unix.IoctlGetInt(int(socket), unix.SIOCOUTQ)
		return taken{acked: int64(-n), edge: unknownEdge}, err
	}
	seen := taken{acked: int64(info.Bytes_acked), edge: unknownEdge, quiet: time.Duration(info.Last_ack_recv) * time.Millisecond}
	if uintptr(size) >= unsafe.Offsetof(info.Snd_wnd)+unsafe.Sizeof(info.Snd_wnd) { // Linux 5.4
		seen.edge = seen.acked + int64(info.Snd_wnd)
	}
	return seen, nil
}

// sysReserve is fallocate(2).
var sysReserve = func(file uintptr, off, n int64) error {
	return unix.Fallocate(int(file), unix.FALLOC_FL_KEEP_SIZE, off, n)
}
