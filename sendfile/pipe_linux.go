package sendfile

import (
	"io"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// pipeSize is the capacity of a pipe, the most an unprivileged process may ask
// for. With the default of 64 KiB splicing costs more than copying.
const pipeSize = 1 << 20

// pipe is the waypoint that splice(2) needs between a socket and a file.
type pipe struct {
	r, w int
	held int // bytes in it
}

// pipes are empty ones, for the next upload. The garbage collector closes
// those that nobody asks for.
var pipes sync.Pool

// getPipe returns an empty pipe, which the caller gives to putPipe.
func getPipe() (*pipe, error) {
	if p, ok := pipes.Get().(*pipe); ok {
		return p, nil
	}
	p, err := newPipe()
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(p, (*pipe).close)
	return p, nil
}

// putPipe closes a pipe that a failure has left something in: the next upload
// would begin with it.
func putPipe(p *pipe) {
	if p.held == 0 {
		pipes.Put(p)
		return
	}
	runtime.SetFinalizer(p, nil)
	p.close()
}

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
			p.held -= n
			return n, nil
		}
	}
}

func (p *pipe) close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}
