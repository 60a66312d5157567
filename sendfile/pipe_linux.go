package sendfile

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is the capacity of a pipe, the most an unprivileged process may ask
// for. With the default of 64 KiB splicing costs more than copying.
const pipeSize = 1 << 20

// pipe is the waypoint that splice(2) needs between a socket and a file. Each
// upload makes its own: with those that are spliced the four system calls do
// not show, and a pool would keep descriptors open and had to tell pipes that
// a failure has left something in.
type pipe struct{ r, w int }

func newPipe() (*pipe, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, err
	}
	p := &pipe{r: fds[0], w: fds[1]}
	// Refused with EPERM when the pipes of an unprivileged user have reached
	// /proc/sys/fs/pipe-user-pages-soft; small as it is then, it is no use.
	if _, err := unix.FcntlInt(uintptr(p.w), unix.F_SETPIPE_SZ, pipeSize); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// read takes out at least one byte; the caller knows that there is one.
func (p *pipe) read(b []byte) (int, error) {
	for {
		n, err := unix.Read(p.r, b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.ErrUnexpectedEOF
		default:
			return n, nil
		}
	}
}

func (p *pipe) close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}
