package methods

import (
	"cmp"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const zcBuffer = 256 << 10

// A zcSender reads a file into one of two buffers and has the kernel send from
// there, by one system call for both. The kernel notifies when its bytes have
// left and the buffer may be used again; the other buffer serves meanwhile.
//
// On loopback the kernel copies after all, because the receiver would
// otherwise hold the sender's pages.
type zcSender struct {
	ring    *ring
	buffers []byte // both; outside of the Go heap, so that close can unmap them while the kernel still sends
	busy    [2]bool
	next    int // the buffer that has been busy longer
}

// Tags of operations under way; the number of the buffer is added.
const (
	tagRead = 0
	tagSend = 2
)

func openUringSendZC(conn net.Conn) (sender, error) {
	socket, err := rawConn(conn)
	if err != nil {
		return sender{}, err
	}
	r, err := newRing(4)
	if err != nil {
		return sender{}, err
	}
	buffers, err := unix.Mmap(-1, 0, 2*zcBuffer, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	if err != nil {
		r.close()
		return sender{}, os.NewSyscallError("mmap", err)
	}
	z := &zcSender{ring: r, buffers: buffers}
	return sender{close: z.close, send: func(f *os.File, off, n int64) error {
		defer runtime.KeepAlive(f)
		for n > 0 {
			part := min(n, zcBuffer)
			b, err := z.buffer()
			if err != nil {
				return err
			}
			var failed error
			err = socket.Control(func(fd uintptr) { failed = z.sendPart(b, int32(fd), int32(f.Fd()), off, int32(part), n > part) })
			if err := cmp.Or(failed, err); err != nil {
				return err
			}
			off += part
			n -= part
		}
		return nil
	}}, nil
}

// close may be called while the kernel still sends: it holds references to the
// pages.
func (z *zcSender) close() {
	z.ring.close()
	_ = unix.Munmap(z.buffers)
}

// buffer waits until the next buffer is free and returns its number. Nothing
// locks the socket meanwhile: if the peer reads nothing, closing the socket
// frees the buffer.
func (z *zcSender) buffer() (int, error) {
	b := z.next
	for z.busy[b] {
		if err := z.ring.wait(1); err != nil {
			return 0, err
		}
		z.take()
	}
	z.next = 1 - b
	return b, nil
}

// sendPart reads n bytes into buffer b, sends them, and returns when the socket
// has them. If more follow, the last packet may wait for them.
func (z *zcSender) sendPart(b int, socket, file int32, off int64, n int32, more bool) error {
	addr := uint64(uintptr(unsafe.Pointer(&z.buffers[b*zcBuffer])))
	// WAITALL: the kernel itself waits for room until all is sent.
	flags := uint32(unix.MSG_NOSIGNAL | unix.MSG_WAITALL)
	if more {
		flags |= unix.MSG_MORE
	}
	z.ring.prepare(submission{op: opRead, flags: linkNext, tag: tagRead + uint64(b), fd: file, off: uint64(off), addr: addr, len: uint32(n)})
	z.ring.prepare(submission{op: opSendZC, tag: tagSend + uint64(b), fd: socket, addr: addr, len: uint32(n), opFlags: flags})
	var read, sent int32
	for done := 0; done < 2; {
		if err := z.ring.wait(1); err != nil {
			return err
		}
		switch c := z.take(); {
		case c.flags&notification != 0:
		case c.tag < tagSend:
			read = c.res
			done++
		default:
			sent = c.res
			done++
		}
	}
	switch {
	case read < 0:
		return os.NewSyscallError("io_uring read", syscall.Errno(-read))
	case read < n:
		return io.ErrUnexpectedEOF
	case sent < 0:
		// ENOMEM: RLIMIT_MEMLOCK bounds the pages under way, see "ulimit -l".
		return os.NewSyscallError("io_uring send_zc", syscall.Errno(-sent))
	case sent < n:
		return io.ErrShortWrite // the connection is cut
	}
	return nil
}

// take takes a completion and records which buffers are busy.
func (z *zcSender) take() completion {
	c := z.ring.next()
	b := c.tag & 1
	switch {
	case c.flags&notification != 0:
		z.busy[b] = false
	case c.tag >= tagSend && c.flags&moreFollows != 0:
		z.busy[b] = true
	}
	return c
}
