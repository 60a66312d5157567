package sendfile

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Linux has no TransmitFile. For the tests it gets one, so that all of them
// that force the method run its portable part here too.
func init() {
	system.transmit = func() (transmission, error) {
		return &playedTransmission{ended: make(chan struct{}, 1)}, nil
	}
	system.isServer = func() bool { return false }
	system.taken = func(socket uintptr) (int64, error) {
		info, err := unix.GetsockoptTCPInfo(int(socket), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return 0, err
		}
		return int64(info.Bytes_acked), nil
	}
}

// playedTransmission plays TransmitFile by sendfile(2). It is done at once
// when the socket takes all at once, and panics where Windows would do
// something that cannot be wanted.
type playedTransmission struct {
	ended   chan struct{}
	pending bool // from start to result
	cut     chan struct{}
	cancels int
	n       int
	err     error
}

func (p *playedTransmission) start(socket, file uintptr, off int64, n int) error {
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
	own, err := unix.Dup(int(file)) // the kernel needs no handle once it has begun
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

// step sends what fits and reports whether that is the end of it.
func (p *playedTransmission) step(socket, file int, off int64, n int) bool {
	off += int64(p.n)
	sent, err := unix.Sendfile(socket, file, &off, n-p.n)
	p.n += max(sent, 0)
	if err == unix.EAGAIN || err == unix.EINTR {
		return false
	}
	p.err = err
	return err != nil || sent <= 0 || p.n == n
}

func (p *playedTransmission) run(socket, file int, off int64, n int) {
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

func (p *playedTransmission) end(file int) {
	_ = unix.Close(file)
	p.ended <- struct{}{}
}

func (p *playedTransmission) done() <-chan struct{} { return p.ended }

func (p *playedTransmission) cancel(uintptr) {
	p.cancels++
	if p.cancels == 2 { // the first is missed
		close(p.cut)
	}
}

func (p *playedTransmission) result(uintptr) (int, error) {
	if !p.pending {
		panic("a result of nothing")
	}
	p.pending = false
	return p.n, p.err
}

func (p *playedTransmission) close() {
	if p.pending {
		panic("closed while a call is under way")
	}
}
