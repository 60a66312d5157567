package peers

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// needsLinux returns an error on systems other than Linux.
func needsLinux() error { return nil }

// ServeKernel answers each request for a large file of a folder with as many bytes
// as it has, and sends the first part of the file again and again for them. It
// shows what the kernel alone costs, and is no server: it finds the name and the
// blank line of a request and looks at nothing else, and trusts its clients. Each
// of GOMAXPROCS threads has a listener and an epoll set. It returns only if that
// fails.
func ServeKernel(address, dir string) error {
	sizes, err := kernelFiles(dir)
	if err != nil {
		return err
	}
	answers := map[string]kernelAnswer{}
	for name, size := range sizes {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		defer f.Close() // and keeps its descriptor in use
		answers["/"+name] = kernelAnswer{
			head: fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size),
			file: int(f.Fd()), size: size,
		}
	}
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !addr.Addr().Is4() {
		return fmt.Errorf("%s is no address of IPv4", address)
	}
	failed := make(chan error)
	for range runtime.GOMAXPROCS(0) {
		t, err := newKernelThread(addr, answers)
		if err != nil {
			return err
		}
		go func() { failed <- t.run() }()
	}
	return <-failed
}

// A kernelAnswer is the response to the requests for a file.
type kernelAnswer struct {
	head []byte
	file int // descriptor
	size int64
}

// notFound is the response to requests for other names.
var notFound = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

// A kernelThread serves the connections of one listener.
type kernelThread struct {
	listener, epoll int
	answers         map[string]kernelAnswer
	conns           map[int32]*kernelConn // by descriptor
}

// A kernelConn is a connection: it waits for a request or sends a body.
type kernelConn struct {
	fd   int
	in   []byte // read of the next request
	file int
	sent int64 // bytes of the body
	left int64
}

func newKernelThread(addr netip.AddrPort, answers map[string]kernelAnswer) (*kernelThread, error) {
	t := &kernelThread{answers: answers, conns: map[int32]*kernelConn{}}
	var err error
	if t.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	for _, option := range []struct{ level, name int }{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR}, {unix.SOL_SOCKET, unix.SO_REUSEPORT},
		{unix.IPPROTO_TCP, unix.TCP_NODELAY}, // connections inherit it
	} {
		if err := unix.SetsockoptInt(t.listener, option.level, option.name, 1); err != nil {
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(t.listener, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(t.listener, 4096); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	if t.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return t, t.watch(t.listener, unix.EPOLL_CTL_ADD, unix.EPOLLIN)
}

// watch waits for events of a descriptor.
func (t *kernelThread) watch(fd, op int, events uint32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(t.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}))
}

// run serves until the set of descriptors fails.
func (t *kernelThread) run() error {
	runtime.LockOSThread()
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := t.wait(events)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("epoll_wait", err)
		}
		for _, e := range events[:n] {
			if int(e.Fd) == t.listener {
				t.accept()
				continue
			}
			c := t.conns[e.Fd]
			if err := t.turn(c); err != nil {
				delete(t.conns, e.Fd)
				_ = unix.Close(c.fd)
			}
		}
	}
}

// accept takes the connections of the queue.
func (t *kernelThread) accept() {
	for {
		fd, _, err := unix.Accept4(t.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return // EAGAIN: the queue is empty; else the next event tries again
		}
		if t.watch(fd, unix.EPOLL_CTL_ADD, unix.EPOLLIN) != nil {
			_ = unix.Close(fd)
			continue
		}
		t.conns[int32(fd)] = &kernelConn{fd: fd}
	}
}

// longestRequest is more than any request of the bench.
const longestRequest = 4 << 10

// turn reads a request and begins the answer, or sends the next part of a body.
// After an error the connection is over.
func (t *kernelThread) turn(c *kernelConn) error {
	if c.left > 0 {
		return t.send(c)
	}
	var buf [longestRequest]byte
	n, err := unix.Read(c.fd, buf[:])
	switch {
	case err == unix.EAGAIN:
		return nil
	case err != nil:
		return err
	case n == 0 || len(c.in)+n > longestRequest:
		return unix.ECONNRESET
	}
	c.in = append(c.in, buf[:n]...)
	request, _, whole := bytes.Cut(c.in, []byte("\r\n\r\n")) // clients of the bench send one request at a time
	if !whole {
		return nil
	}
	c.in = c.in[:0]
	_, rest, _ := strings.Cut(string(request), " ")
	name, _, _ := strings.Cut(rest, " ")
	answer, ok := t.answers[name]
	if !ok {
		_, err := unix.Write(c.fd, notFound)
		return err
	}
	// The head fits: the last answer has left the buffer of the socket, or else
	// its client would not ask again.
	if err := unix.Send(c.fd, answer.head, unix.MSG_MORE|unix.MSG_NOSIGNAL); err != nil {
		return err
	}
	c.file, c.sent, c.left = answer.file, 0, answer.size
	if err := t.send(c); err != nil || c.left == 0 {
		return err
	}
	return t.watch(c.fd, unix.EPOLL_CTL_MOD, unix.EPOLLOUT)
}

// send sends the region again and again until the buffer of the socket is full, and
// then waits until there is room. After the last part it waits for the next
// request.
func (t *kernelThread) send(c *kernelConn) error {
	for c.left > 0 {
		off := c.sent % kernelRegion // the last call may have filled the buffer
		n, err := sendRegion(c.fd, c.file, off, min(c.left, kernelRegion-off))
		switch {
		case err == unix.EAGAIN:
			return nil
		case err != nil:
			return err
		case n == 0:
			return unix.EIO // the file has become shorter
		}
		c.sent += int64(n)
		c.left -= int64(n)
	}
	return t.watch(c.fd, unix.EPOLL_CTL_MOD, unix.EPOLLIN)
}

// sendRegion sends n bytes of a file from off on without the runtime, which takes the
// processor from a thread whose call lasts for 20 us, and has another one look for
// work.
func sendRegion(to, file int, off, n int64) (sent int, err error) {
	r, _, errno := unix.RawSyscall6(unix.SYS_SENDFILE, uintptr(to), uintptr(file), uintptr(unsafe.Pointer(&off)), uintptr(n), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

// wait waits for events. If there are some it does so without the runtime, too.
func (t *kernelThread) wait(events []unix.EpollEvent) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(t.epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno == 0 && n > 0 {
		return int(n), nil
	}
	return unix.EpollWait(t.epoll, events, -1)
}
