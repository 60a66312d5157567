package sendfile

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Linux has no TransmitFile. An imitation lets the tests that force the method run
// its portable part on Linux too.
func init() {
	system.transmit = func() (transmission, error) {
		return &fakeTransmission{ended: make(chan struct{}, 1)}, nil
	}
	system.isServer = func() bool { return false }
	system.acked = func(socket uintptr) (int64, error) {
		info, err := unix.GetsockoptTCPInfo(int(socket), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return 0, err
		}
		return int64(info.Bytes_acked), nil
	}
}

// fakeTransmission imitates TransmitFile by sendfile(2). It completes in start if
// the socket accepts all bytes there, and panics where the real call would do
// harm.
type fakeTransmission struct {
	ended   chan struct{}
	pending bool // true from start until result
	cut     chan struct{}
	cancels int
	n       int
	err     error
}

func (p *fakeTransmission) start(socket, file uintptr, off int64, n int) error {
	if p.pending {
		panic("a second call while the first is under way")
	}
	if n <= 0 {
		panic("a count of 0 sends the whole file")
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(file), &st); err == nil && off+int64(n) > st.Size {
		panic("a count that passes the end of the file")
	}
	own, err := unix.Dup(int(file)) // the caller may close file after start, as on Windows
	if err != nil {
		return err
	}
	p.pending, p.cut, p.cancels, p.n, p.err = true, make(chan struct{}), 0, 0, nil
	if p.step(int(socket), own, off, n) {
		p.end(own)
		return nil
	}
	go p.run(int(socket), own, off, n)
	return nil
}

// step sends as many bytes as fit and reports whether the call is done.
func (p *fakeTransmission) step(socket, file int, off int64, n int) bool {
	off += int64(p.n)
	sent, err := unix.Sendfile(socket, file, &off, n-p.n)
	p.n += max(sent, 0)
	if err == unix.EAGAIN || err == unix.EINTR {
		return false
	}
	p.err = err
	return err != nil || sent <= 0 || p.n == n
}

func (p *fakeTransmission) run(socket, file int, off int64, n int) {
	for !p.step(socket, file, off, n) {
		select {
		case <-p.cut:
			p.err = syscall.ECANCELED
			p.end(file)
			return
		case <-time.After(time.Millisecond):
		}
	}
	p.end(file)
}

func (p *fakeTransmission) end(file int) {
	_ = unix.Close(file)
	p.ended <- struct{}{}
}

func (p *fakeTransmission) done() <-chan struct{} { return p.ended }

func (p *fakeTransmission) cancel(uintptr) {
	p.cancels++
	if p.cancels == 2 { // the first one is missed, as wine 8 may do
		close(p.cut)
	}
}

func (p *fakeTransmission) result(uintptr) (int, error) {
	if !p.pending {
		panic("result without a call")
	}
	p.pending = false
	return p.n, p.err
}

func (p *fakeTransmission) close() {
	if p.pending {
		panic("closed while a call is under way")
	}
}
