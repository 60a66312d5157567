package methods

import (
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// mostAtOnce is how many bytes read(2), write(2), sendfile(2) and the like move in
// one call at most.
const mostAtOnce = 0x7ffff000

func openSendfile(conn net.Conn) (sender, error) {
	socket, err := rawConn(conn)
	if err != nil {
		return sender{}, err
	}
	return sender{send: func(f *os.File, off, n int64) error {
		defer runtime.KeepAlive(f)
		file := int(f.Fd())
		err := moveAll(socket, n, func(fd int, left int64) (int, error) {
			return unix.Sendfile(fd, file, &off, int(min(left, mostAtOnce)))
		})
		return os.NewSyscallError("sendfile", err)
	}}, nil
}
