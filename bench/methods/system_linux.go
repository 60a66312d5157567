package methods

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

var system = []method{
	{name: "sendfile", about: "sendfile(2) of all remaining bytes, until the socket is full", usable: always, open: openSendfile},
	{name: "splice", about: "splice(2) into a pipe of 1 MiB and out of it", usable: always, open: openSplice},
	{name: "mmap", about: "mmap(2) of 8 MiB at a time, write(2), munmap(2)", usable: always, open: openMmap},
}

var uring = []method{
	{name: "uring-splice", about: "io_uring: two linked splices through a pipe of 1 MiB", usable: uringHas(opSplice), open: openUringSplice},
	{name: "uring-sendzc", about: "io_uring: read of 256 KiB linked to send_zc, two buffers", usable: uringHas(opRead, opSendZC), open: openUringSendZC},
}

// rawConn gives access to the descriptor of conn.
func rawConn(conn net.Conn) (syscall.RawConn, error) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("a %T has no descriptor", conn)
	}
	return sc.SyscallConn()
}

// moveAll calls step until it has moved n bytes to the socket, and waits for
// room in the socket when step returns EAGAIN.
func moveAll(socket syscall.RawConn, n int64, step func(fd int, left int64) (int, error)) error {
	var failed error
	err := socket.Write(func(fd uintptr) bool {
		for n > 0 {
			moved, err := step(int(fd), n)
			switch {
			case err == unix.EINTR:
			case err == unix.EAGAIN:
				return false
			case err != nil:
				failed = err
				return true
			case moved == 0:
				failed = io.ErrUnexpectedEOF
				return true
			default:
				n -= int64(moved)
			}
		}
		return true
	})
	return cmp.Or(failed, err)
}
