package methods

import (
	"cmp"
	"encoding/binary"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Tags of operations under way.
const (
	tagFill = iota
	tagPoll
	tagDrain
)

// noOffset is the offset of a pipe or a socket, which have none.
const noOffset = ^uint64(0)

// pollOut is POLLOUT in the first two bytes of a word, where struct io_uring_sqe
// has the events of a poll.
var pollOut = binary.NativeEndian.Uint32(append(binary.NativeEndian.AppendUint16(nil, unix.POLLOUT), 0, 0))

// An uringSplice sends through a ring and a pipe of its own. The kernel does
// every splice of a ring in a worker thread, which is why it is expensive.
type uringSplice struct {
	ring *ring
	pipe *pipe
}

func openUringSplice(conn net.Conn) (sender, error) {
	socket, err := rawConn(conn)
	if err != nil {
		return sender{}, err
	}
	p, err := newPipe()
	if err != nil {
		return sender{}, err
	}
	// The workers, and the processors they are bound to, belong to the thread
	// that makes the ring.
	runtime.LockOSThread()
	r, err := newRing(4)
	if err != nil {
		p.close()
		runtime.UnlockOSThread()
		return sender{}, err
	}
	u := &uringSplice{ring: r, pipe: p}
	if err := r.followAffinity(); err != nil {
		u.close()
		return sender{}, err
	}
	return sender{close: u.close, send: func(f *os.File, off, n int64) error {
		defer runtime.KeepAlive(f)
		var failed error
		err := socket.Control(func(fd uintptr) { failed = u.send(int32(fd), int32(f.Fd()), off, n) })
		return cmp.Or(failed, err)
	}}, nil
}

func (u *uringSplice) close() {
	u.ring.close()
	u.pipe.close()
	runtime.UnlockOSThread()
}

func (u *uringSplice) send(socket, file int32, off, n int64) error {
	full := false // whether the last splice found the socket full
	for n > 0 {
		var under uint32
		start := func(s submission) {
			u.ring.prepare(s)
			under++
		}
		held := u.pipe.held
		if held == 0 {
			held = min(n, pipeSize)
			start(submission{
				op: opSplice, flags: linkNext, tag: tagFill, spliceFrom: file, addr: uint64(off),
				fd: int32(u.pipe.w), off: noOffset, len: uint32(held),
			})
		}
		if full {
			start(submission{op: opPoll, flags: linkNext, tag: tagPoll, fd: socket, opFlags: pollOut})
		}
		start(submission{
			op: opSplice, tag: tagDrain, spliceFrom: int32(u.pipe.r), addr: noOffset,
			fd: socket, off: noOffset, len: uint32(held), opFlags: uint32(spliceFlags(n, held)),
		})
		if err := u.ring.wait(under); err != nil {
			return err
		}
		full = false
		for range under {
			c := u.ring.next()
			moved, errno := int64(max(c.res, 0)), syscall.Errno(max(-c.res, 0))
			switch {
			case errno == unix.ECANCELED: // the operation before it moved less than asked for, or failed
			case c.tag == tagDrain && errno == unix.EAGAIN:
				full = true
			case errno != 0:
				return os.NewSyscallError("io_uring splice", errno)
			case c.tag == tagFill && moved == 0:
				return io.ErrUnexpectedEOF
			case c.tag == tagFill:
				u.pipe.held += moved
				off += moved
			case c.tag == tagDrain:
				u.pipe.held -= moved
				n -= moved
			}
		}
	}
	return nil
}
