package sendfile

import "golang.org/x/sys/unix"

var (
	// sysSendfile is sendfile(2), which on Linux takes at most 0x7ffff000
	// bytes, never returns a count beside an error, and leaves the file's own
	// position alone because an offset is given.
	sysSendfile = func(socket, file uintptr, off int64, n int) (int, error) {
		return unix.Sendfile(int(socket), int(file), &off, n)
	}

	// sysSplice is splice(2); one of the two must be a pipe, which has no
	// offset. NONBLOCK concerns the pipe only and keeps a full one from
	// putting the thread to sleep.
	sysSplice = func(from uintptr, fromOff *int64, to uintptr, toOff *int64, n int) (int, error) {
		moved, err := unix.Splice(int(from), fromOff, int(to), toOff, n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		return int(moved), err
	}

	// sysQueued is ioctl(2) SIOCOUTQ, see tcp(7).
	sysQueued = func(socket uintptr) (int, error) {
		return unix.IoctlGetInt(int(socket), unix.SIOCOUTQ)
	}
)
