package load

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A dropper receives from a TCP connection what nobody needs to see. It is
// used by one goroutine at a time.
type dropper struct {
	raw  syscall.RawConn
	step func(fd uintptr) bool // tries once; made once, as it would be an allocation

	want int64 // what step takes
	got  int   // and gives back
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

// drop waits for something to come and drops it, up to n bytes, or any number
// if n < 0. The kernel frees it without copying (MSG_TRUNC, tcp(7), since Linux
// 2.4). The error is io.EOF at the end of the stream.
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

// try receives once and reports false if it must wait.
func (d *dropper) try(fd uintptr) bool {
	const most = 1 << 30
	n := d.want
	if n < 0 || n > most {
		n = most
	}
	for {
		// There is no buffer: should the kernel ever want to copy, it gets EFAULT.
		got, _, errno := unix.Syscall6(unix.SYS_RECVFROM, fd, 0, uintptr(n), unix.MSG_TRUNC|unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			d.got, d.err = int(got), nil
			return true
		case unix.EINTR: // a signal came first; nothing was dropped
		case unix.EAGAIN: // nothing is there
			return false
		default:
			d.got, d.err = 0, errno
			return true
		}
	}
}
