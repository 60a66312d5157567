package sendfile

import (
	"io"
	"sync"
	"time"
)

// bufferSize is used in both directions: BenchmarkReceive and BenchmarkSend show
// little gain above it and a clear loss below 64 KiB.
const bufferSize = 256 << 10

// maxUnobserved is the most bytes given to one call whose progress cannot be
// observed before it returns, such as the Write of a net.Conn, if there is a
// timeout. A longer call to a slow peer would look like a stall. It is the size
// of one TLS record.
const maxUnobserved = 16 << 10

type buffer [bufferSize]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// copyOut is the move function of Send's copy method.
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

// fill reads up to n bytes of the source into pending, and sets readErr.
func (t *transfer) fill(n int) {
	if t.buf == nil {
		t.buf = buffers.Get().(*buffer)
	}
	p := t.buf[:min(n, len(t.buf))]
	var err error
	if t.sequential {
		n, err = t.file.Read(p)
	} else {
		if t.readErr = t.enter(); t.readErr != nil {
			return
		}
		n, err = t.sys.readAt(t.source, p, t.off)
		t.leave()
	}
	n, t.readErr = checkRead(len(p), n, err)
	t.pending = p[:n]
}

// readFailure returns readErr as an *Error, or nil if it is nil or the end of the
// source.
func (t *transfer) readFailure() error {
	if t.readErr == nil || t.readErr == io.EOF {
		return nil
	}
	return t.fail(sideOf(t.readErr, File), t.readErr)
}

// write makes one write to conn.
func (t *transfer) write(p []byte) (int, error) {
	if t.connRaw != nil {
		return t.awaitWrite(t.callbacks.tryWrite)
	}
	if err := t.prepareWait(); err != nil {
		return 0, err
	}
	switch {
	case t.opt.Timeout == 0:
	case t.watchWrites():
		t.watch.begin()
		defer t.watch.end() // also if Write panics
	default:
		p = p[:min(len(p), maxUnobserved)]
	}
	return t.conn.Write(p)
}

// tryWrite writes pending once. It returns false to wait until the socket is
// writable.
func (t *transfer) tryWrite(fd uintptr) bool {
	write := t.sys.write
	if t.opt.More && t.sys.writeMore != nil {
		write = t.sys.writeMore
	}
	for t.storeResult(write(fd, t.pending)) {
	}
	return !t.mustWaitToWrite(fd)
}

// fillTime is how long copyIn fills a buffer: a slow peer needs seconds for one, and its
// bytes should be in the file before, and count as moved.
const fillTime = 100 * time.Millisecond

// copyIn is the move function of Receive's copy method. It reads until the buffer
// is full, because writing a packet to a file costs about as much as writing a
// buffer; or for fillTime. If a read fails, it writes what it has before it returns that error.
func (t *transfer) copyIn(n int) (int, error) {
	if t.buf == nil {
		t.buf = buffers.Get().(*buffer)
	}
	p := t.buf[:min(n, len(t.buf))]
	var readErr error
	got := 0
	for begin := time.Now(); got < len(p) && readErr == nil && (got == 0 || time.Since(begin) < fillTime); {
		var m int
		m, readErr = t.read(p[got:])
		got += m
		if m == 0 && readErr == nil {
			break // the end of the stream; the next copyIn reads it again and returns 0
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
	if err := t.enter(); err != nil {
		return 0, t.fail(File, err)
	}
	n, err := t.sys.writeAt(t.target, p, off)
	t.leave()
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
		n, err = t.awaitRead(t.callbacks.tryRead)
		t.pending = nil
	} else if err = t.prepareWait(); err == nil {
		t.setIdle(true)
		n, err = t.conn.Read(p)
		t.setIdle(false)
	}
	if err != nil && err != io.EOF {
		return n, t.fail(sideOf(err, Peer), err)
	}
	return n, nil
}

// tryRead reads once into pending. It returns false to wait until the socket is
// readable.
func (t *transfer) tryRead(fd uintptr) bool {
	for t.storeResult(t.sys.read(fd, t.pending)) {
	}
	return !t.mustWaitToRead()
}
