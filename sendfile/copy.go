package sendfile

import (
	"io"
	"sync"
)

// bufferSize suits both directions: BenchmarkReceive and BenchmarkSend show
// little gain above it and a clear loss below 64 KiB.
const bufferSize = 256 << 10

// opaqueWrite is the most given to a connection's own Write when there is a
// timeout: such a Write tells nothing before it is done, so it must be short
// for a slow peer to be told from a stalled one. It is one TLS record.
const opaqueWrite = 16 << 10

type buffer [bufferSize]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// copyOut is the move of Send's copy method.
func (t *transfer) copyOut(n int) (int, error) {
	if len(t.pending) == 0 && t.readErr == nil {
		t.fill(n)
	}
	if len(t.pending) == 0 {
		return 0, t.readFailure()
	}
	n, err := t.write(t.pending)
	t.pending = t.pending[n:]
	if n > 0 {
		t.res.Method = Copy
	}
	if err != nil {
		return n, t.fail(sideOf(err, Peer), err)
	}
	if len(t.pending) == 0 {
		return n, t.readFailure()
	}
	return n, nil
}

// fill reads up to n bytes of the source into pending, and keeps in readErr
// why no more can be read.
func (t *transfer) fill(n int) {
	if t.buf == nil {
		t.buf = buffers.Get().(*buffer)
	}
	p := t.buf[:min(n, len(t.buf))]
	var err error
	if t.sequential {
		n, err = t.file.Read(p)
	} else {
		n, err = t.sys.readAt(t.source, p, t.off)
	}
	n, t.readErr = checkRead(len(p), n, err)
	t.pending = p[:n]
}

// readFailure returns why the source could not be read on. Its end is no
// failure.
func (t *transfer) readFailure() error {
	if t.readErr == nil || t.readErr == io.EOF {
		return nil
	}
	return t.fail(sideOf(t.readErr, File), t.readErr)
}

// write makes one write to conn.
func (t *transfer) write(p []byte) (int, error) {
	if t.connRaw != nil {
		return t.awaitWrite(t.callbacks.writable)
	}
	if err := t.arm(); err != nil {
		return 0, err
	}
	if t.opt.Timeout > 0 {
		p = p[:min(len(p), opaqueWrite)]
	}
	return t.conn.Write(p)
}

func (t *transfer) writeReady(fd uintptr) bool {
	write := t.sys.write
	if t.opt.More && t.sys.hold != nil {
		write = t.sys.hold
	}
	for t.settle(write(fd, t.pending)) {
	}
	return !t.full(fd)
}

// copyIn is the move of Receive's copy method. It gathers what the peer sends
// until the buffer is full, because a write to a file costs much the same for
// a packet and for a buffer, and writes what it has before it reports why
// there is no more.
func (t *transfer) copyIn(n int) (int, error) {
	if t.buf == nil {
		t.buf = buffers.Get().(*buffer)
	}
	p := t.buf[:min(n, len(t.buf))]
	var readErr error
	got := 0
	for got < len(p) && readErr == nil {
		var m int
		m, readErr = t.read(p[got:])
		got += m
		if m == 0 && readErr == nil {
			break // the end of the stream; the next call will meet it again if there is anything to write now
		}
	}
	if got == 0 {
		return 0, readErr
	}
	written, err := t.writeAt(p[:got], t.off)
	if err != nil {
		return written, err
	}
	return written, readErr
}

// writeAt writes all of p to the target, or fails.
func (t *transfer) writeAt(p []byte, off int64) (int, error) {
	n, err := t.sys.writeAt(t.target, p, off)
	n, err = checkWrite(len(p), n, err)
	t.res.Method = Copy
	if err != nil {
		return n, t.fail(sideOf(err, File), err)
	}
	return n, nil
}

// read makes one read from conn. It returns 0, nil at the end of the stream.
func (t *transfer) read(p []byte) (int, error) {
	var n int
	var err error
	if t.connRaw != nil {
		t.pending = p
		n, err = t.awaitRead(t.callbacks.readable)
		t.pending = nil
	} else if err = t.arm(); err == nil {
		t.setIdle(true)
		n, err = t.conn.Read(p)
		t.setIdle(false)
	}
	if err != nil && err != io.EOF {
		return n, t.fail(sideOf(err, Peer), err)
	}
	return n, nil
}

func (t *transfer) readReady(fd uintptr) bool {
	for t.settle(t.sys.read(fd, t.pending)) {
	}
	return !t.empty()
}
