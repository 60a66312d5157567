package drive

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// taken is how much of what was written to a socket the client has taken: package
// sendfile explains it. The numbers are modulo 1<<32, as a connection is idle for most of
// its time, and should be small.
type taken struct {
	acked uint32 // bytes that the client has acknowledged, counted from anywhere
	edge  uint32 // bytes that it has acknowledged or has announced room for
}

// isAfter reports whether the client has taken something since before.
func (a taken) isAfter(before taken) bool {
	return int32(a.edge-before.edge) > 0 || int32(a.acked-before.acked) > 0 && a.edge != a.acked
}

// unknownRoom takes the place of the room if the system does not show it.
const unknownRoom = 1 << 30

// takenOf returns what the client has taken, and how long it has acknowledged nothing. The
// values of a socket that is not TCP, such as a unix socket, come from the length of its
// queue.
func takenOf(fd int) (seen taken, quiet time.Duration) {
	var info unix.TCPInfo
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || uintptr(size) < unsafe.Offsetof(info.Bytes_acked)+unsafe.Sizeof(info.Bytes_acked) {
		n, _ := unix.IoctlGetInt(fd, unix.SIOCOUTQ) // 0 if that fails
		seen.acked = uint32(-n)
		seen.edge = seen.acked + unknownRoom
		return seen, 0
	}
	seen.acked = uint32(info.Bytes_acked)
	seen.edge = seen.acked + unknownRoom
	if uintptr(size) >= unsafe.Offsetof(info.Snd_wnd)+unsafe.Sizeof(info.Snd_wnd) { // Linux 5.4
		seen.edge = seen.acked + info.Snd_wnd
	}
	return seen, time.Duration(info.Last_ack_recv) * time.Millisecond
}
