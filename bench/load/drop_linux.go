package load

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A dropper receives bytes from a TCP connection and discards them. One goroutine
// at a time uses it.
type dropper struct {
	raw  syscall.RawConn
	step func(fd uintptr) bool // try, kept to save an allocation in each call

	want int64 // argument of step
	got  int   // results of step
	err  error
}

// use makes d receive from c, if that is a TCP connection.
func (d *dropper) use(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	*d = dropper{raw: raw}
	d.step = d.try
}

// can reports whether there is a connection to receive from.
func (d *dropper) can() bool { return d.raw != nil }

// drop waits for bytes and drops up to n of them, or any number if n < 0. The
// kernel frees them without copying (MSG_TRUNC, tcp(7), since Linux 2.4). The
// error is io.EOF at the end of the stream.
func (d *dropper) drop(n int64) (int, error) {
	d.want = n
	if err := d.raw.Read(d.step); err != nil {
		return 0, err
	}
	if d.err != nil {
		return 0, os.NewSyscallError("recv", d.err)
	}
	if d.got == 0 {
		return 0, io.EOF
	}
	return d.got, nil
}

// try receives once, and returns false if it has to wait.
func (d *dropper) try(fd uintptr) bool {
	const most = 1 << 30
	n := d.want
	if n < 0 || n > most {
		n = most
	}
	for {
		// There is no buffer: if the kernel ever copied, the error would be EFAULT.
		got, _, errno := unix.Syscall6(unix.SYS_RECVFROM, fd, 0, uintptr(n), unix.MSG_TRUNC|unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			d.got, d.err = int(got), nil
			return true
		case unix.EINTR: // a signal came first; nothing was dropped
		case unix.EAGAIN: // no bytes are there
			return false
		default:
			d.got, d.err = 0, errno
			return true
		}
	}
}
