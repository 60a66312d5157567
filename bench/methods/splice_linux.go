package methods

import (
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// pipeSize is the most that an unprivileged process may ask for.
const pipeSize = 1 << 20

// A pipe is between the file and the socket of a splice(2). A sender keeps one
// for its connection, because making and growing one takes four system calls.
type pipe struct {
	r, w int
	held int64 // bytes in it
}

func newPipe() (*pipe, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	p := &pipe{r: fds[0], w: fds[1]}
	if _, err := unix.FcntlInt(uintptr(p.w), unix.F_SETPIPE_SZ, pipeSize); err != nil {
		p.close()
		// EPERM: the pipes of this user fill /proc/sys/fs/pipe-user-pages-soft.
		return nil, fmt.Errorf("a pipe of %d bytes: %w", pipeSize, err)
	}
	return p, nil
}

func (p *pipe) close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}

func openSplice(conn net.Conn) (sender, error) {
	socket, err := rawConn(conn)
	if err != nil {
		return sender{}, err
	}
	p, err := newPipe()
	if err != nil {
		return sender{}, err
	}
	return sender{close: p.close, send: func(f *os.File, off, n int64) error {
		defer runtime.KeepAlive(f)
		file := int(f.Fd())
		err := moveAll(socket, n, func(fd int, left int64) (int, error) {
			if p.held == 0 {
				moved, err := unix.Splice(file, &off, p.w, nil, int(min(left, pipeSize)), unix.SPLICE_F_NONBLOCK)
				if moved <= 0 {
					return 0, err
				}
				p.held = int64(moved) // an int on some processors
			}
			moved, err := unix.Splice(p.r, nil, fd, nil, int(p.held), spliceFlags(left, p.held))
			if err != nil {
				return 0, err
			}
			p.held -= int64(moved)
			return int(moved), nil
		})
		return os.NewSyscallError("splice", err)
	}}, nil
}

// spliceFlags returns the flags for a splice of the next bytes, of left that
// remain. While more follow, the kernel holds back a packet that is not full.
func spliceFlags(left, next int64) int {
	if left > next {
		return unix.SPLICE_F_NONBLOCK | unix.SPLICE_F_MORE
	}
	return unix.SPLICE_F_NONBLOCK
}
