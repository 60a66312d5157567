package sendfile

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is the capacity of a pipe in bytes: the most that an unprivileged
// process may set. With the default of 64 KiB splicing costs more than copying.
const pipeSize = 1 << 20

// pipe connects the two splice(2) calls from socket to file. Each upload makes
// its own: at the sizes that are spliced its four system calls make no measurable
// difference, and a pool would keep descriptors open and would have to detect
// pipes in which a failure has left bytes.
type pipe struct{ r, w int }

func newPipe() (*pipe, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, err
	}
	p := &pipe{r: fds[0], w: fds[1]}
	// EPERM: the pipes of this unprivileged user have reached
	// /proc/sys/fs/pipe-user-pages-soft. A pipe that stays small is no use.
	if _, err := unix.FcntlInt(uintptr(p.w), unix.F_SETPIPE_SZ, pipeSize); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// read reads at least one byte. It must not be called when the pipe is empty.
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
