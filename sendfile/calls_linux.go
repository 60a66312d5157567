package sendfile

import "golang.org/x/sys/unix"

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

// sysQueued is ioctl(2) SIOCOUTQ, see tcp(7).
var sysQueued = func(socket uintptr) (int, error) {
	return unix.IoctlGetInt(int(socket), unix.SIOCOUTQ)
}

// sysReserve is fallocate(2).
var sysReserve = func(file uintptr, off, n int64) error {
	return unix.Fallocate(int(file), unix.FALLOC_FL_KEEP_SIZE, off, n)
}
