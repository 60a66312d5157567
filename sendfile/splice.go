package sendfile

import (
	"io"
	"os"
	"syscall"
)

// spliceIn is the move of the splice method: socket to pipe, pipe to file.
func (t *transfer) spliceIn(n int) (int, error) {
	t.ask = n
	inPipe, err := t.awaitRead(t.callbacks.splice)
	switch {
	case err == nil && inPipe == 0:
		return 0, nil // the peer has closed
	case notHere(err): // not a socket that can be spliced from
		t.move = (*transfer).copyIn
		return t.copyIn(n)
	case err != nil:
		return 0, t.fail(sideOf(err, Peer), err)
	}

	n, err = t.drain(inPipe)
	t.res.ZeroCopied += int64(n)
	switch {
	case err == nil:
		return n, nil
	case notHere(err), err == syscall.EAGAIN: // not a file that can be spliced to: save what is in the pipe, then copy
		t.move = (*transfer).copyIn
		m, err := t.rescue(n, inPipe-n)
		return n + m, err
	}
	return n, t.fail(sideOf(err, File), os.NewSyscallError("splice", err))
}

func (t *transfer) spliceReady(fd uintptr) bool {
	for t.settle(t.sys.splice(fd, nil, uintptr(t.pipe.w), nil, t.ask)) {
	}
	return !t.empty()
}

// drain empties the pipe into the file and returns how much it wrote.
func (t *transfer) drain(inPipe int) (int, error) {
	written := 0
	for written < inPipe {
		t.ask = inPipe - written
		t.drainOff = t.off + int64(written)
		if err := t.withFile(t.callbacks.drain); err != nil {
			return written, err
		}
		if t.err != nil {
			return written, t.err
		}
		if t.got == 0 {
			return written, io.ErrShortWrite // a file takes something or says why not
		}
		written += t.got
	}
	return written, nil
}

func (t *transfer) drainInto(fd uintptr) {
	for again := true; again; {
		t.at = t.drainOff
		again = t.settle(t.sys.splice(uintptr(t.pipe.r), nil, fd, &t.at, t.ask))
	}
}

// rescue copies n bytes from the pipe into the file, written bytes behind the
// transfer's offset.
func (t *transfer) rescue(written, n int) (int, error) {
	t.buf = buffers.Get().(*buffer)
	done := 0
	for done < n {
		p := t.buf[:min(n-done, len(t.buf))]
		m, err := t.pipe.read(p)
		if err != nil {
			return done, t.fail(File, err)
		}
		w, err := t.writeAt(p[:m], t.off+int64(written+done))
		done += w
		if err != nil {
			return done, err
		}
	}
	return done, nil
}
