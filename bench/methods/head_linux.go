package methods

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// headWriter returns a function that writes the head of a response. The head
// shares a packet with the body that follows (MSG_MORE).
func headWriter(conn net.Conn) func(head []byte) error {
	socket, err := rawConn(conn)
	if err != nil { // TLS
		return plainHead(conn)
	}
	return func(head []byte) error {
		err := moveAll(socket, int64(len(head)), func(fd int, left int64) (int, error) {
			return unix.SendmsgN(fd, head[int64(len(head))-left:], nil, nil, unix.MSG_MORE)
		})
		return os.NewSyscallError("sendmsg", err)
	}
}
