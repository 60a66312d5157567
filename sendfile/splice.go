package sendfile

import (
	"io"
	"os"
	"syscall"
)

// spliceIn is the move function of the Splice method: socket to pipe, then pipe
// to file.
func (t *transfer) spliceIn(n int) (int, error) {
	t.want = n
	inPipe, err := t.awaitRead(t.callbacks.spliceIn)
	switch {
	case err == nil && inPipe == 0:
		return 0, nil // the peer has closed
	case isUnsupported(err): // this socket does not support splice
		t.move = (*transfer).copyIn
		return t.copyIn(n)
	case err != nil:
		return 0, t.fail(sideOf(err, Peer), err)
	}

	n, err = t.drainPipe(inPipe)
	t.res.ZeroCopied += int64(n)
	switch {
	case err == nil:
		return n, nil
	case isUnsupported(err), err == syscall.EAGAIN: // this file does not support splice: copy the pipe's content, then the rest
		t.move = (*transfer).copyIn
		m, err := t.copyPipe(n, inPipe-n)
		return n + m, err
	}
	return n, t.fail(sideOf(err, File), os.NewSyscallError("splice", err))
}

// spliceFromSocket splices into the pipe once. It returns false to wait until the
// socket is readable.
func (t *transfer) spliceFromSocket(fd uintptr) bool {
	for t.storeResult(t.sys.splice(fd, nil, uintptr(t.pipe.w), nil, t.want)) {
	}
	return !t.mustWaitToRead()
}

// drainPipe splices inPipe bytes from the pipe into the file and returns how many
// it wrote.
func (t *transfer) drainPipe(inPipe int) (int, error) {
	written := 0
	for written < inPipe {
		t.want = inPipe - written
		t.spliceOff = t.off + int64(written)
		if err := t.withFile(t.callbacks.spliceOut); err != nil {
			return written, err
		}
		if t.err != nil {
			return written, t.err
		}
		if t.moved == 0 {
			return written, io.ErrShortWrite // the kernel does not return 0 for a file
		}
		written += t.moved
	}
	return written, nil
}

func (t *transfer) spliceToFile(fd uintptr) {
	for again := true; again; {
		t.kernelOff = t.spliceOff
		again = t.storeResult(t.sys.splice(uintptr(t.pipe.r), nil, fd, &t.kernelOff, t.want))
	}
}

// copyPipe copies n bytes from the pipe into the file, at the transfer's offset
// plus written, and returns how many it copied.
func (t *transfer) copyPipe(written, n int) (int, error) {
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
