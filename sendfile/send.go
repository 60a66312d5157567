package sendfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// Send sends n bytes of src, starting at offset off, to dst. If n is negative,
// it sends everything up to the end of src, including bytes that are appended to
// a file meanwhile; a file of /proc or /sys has bytes that its size does not show, or
// fewer. Send blocks until the system has accepted all bytes for the
// peer, the transfer fails, or ctx ends.
//
// off and n are in bytes. off must not be negative, and off+n must not exceed
// the largest int64. An off at or past the end of src is an error only if n is
// positive.
//
// If src is a regular *os.File with a page cache, and dst is a stream socket
// that implements syscall.Conn (*net.TCPConn and *net.UnixConn do; *tls.Conn
// does not), the bytes go by sendfile(2), or on server editions of Windows by
// TransmitFile. Every other src is copied through a pooled buffer by its own
// ReadAt, even if it embeds a *os.File. Result.Method says which it was.
//
// Send neither uses nor moves a file's position, so any number of transfers may
// share one *os.File, or any other src that allows concurrent calls of ReadAt, as
// io.ReaderAt demands. Send makes one ReadAt at a time, only for bytes below
// off+n, and none after one has failed. It cannot interrupt a ReadAt that blocks:
// it checks ctx when the call returns.
//
// A pipe has no offsets: off must be 0, and bytes that were read from the pipe
// but not accepted by the peer are lost.
//
// The caller keeps ownership of src and dst: Send does not close them. Nothing
// else may write to dst until Send returns. To end Send early, end ctx or close
// dst.
//
// Every error is an *Error, and the Result next to it says how many bytes the
// system has accepted. If src ends before n bytes, all its bytes have been sent,
// and the error is io.ErrUnexpectedEOF with side File. If ReadAt returns neither
// bytes nor an error, the error is io.ErrNoProgress with side File. A nil src or
// nil *os.File is refused with side Caller.
func Send(ctx context.Context, dst net.Conn, src io.ReaderAt, off, n int64, opt *Options) (Result, error) {
	return send(ctx, dst, src, off, n, opt, &system)
}

func send(ctx context.Context, dst net.Conn, src io.ReaderAt, off, n int64, opt *Options, sys *kernel) (Result, error) {
	t, err := newTransfer(ctx, opSend, dst, contentOfSource(src), off, n, opt, sys)
	defer t.release()
	if err == nil {
		err = t.prepareSend()
	}
	if err == nil {
		err = t.run()
	}
	if err == nil && n < 0 {
		err = t.sendGrowth()
	}
	return t.finish(err)
}

// prepareSend chooses the method and, if the caller wants everything up to the
// end, finds out how much that is.
func (t *transfer) prepareSend() error {
	if t.opt.Method == Splice {
		return t.fail(Caller, errors.New("splice is a method for Receive only"))
	}
	t.move = (*transfer).copyOut
	if t.file == nil {
		return nil
	}

	if err := t.stat(); err != nil {
		return err
	}
	switch {
	case t.mode.IsDir():
		return t.fail(File, syscall.EISDIR)
	case t.mode&(fs.ModeNamedPipe|fs.ModeSocket) != 0:
		t.sequential = true
		if t.off != 0 {
			return t.fail(Caller, errors.New("a pipe has no offsets: off must be 0"))
		}
		return nil
	case !t.mode.IsRegular():
		return nil // a device: read it until it ends
	}

	switch {
	case t.wantsSendfile():
		t.move = (*transfer).sendFile
		t.res.Method = Sendfile
	case t.wantsTransmit() && t.prepareTransmit():
		t.move = (*transfer).transmitFile
		t.res.Method = TransmitFile
	}
	// A regular file of size 0 may be a file of /proc, whose end only a read can
	// find.
	if t.untilEnd && t.size > 0 {
		t.untilEnd, t.everything, t.left = false, true, max(t.size-t.off, 0)
	}
	return nil
}

func (t *transfer) wantsSendfile() bool {
	if t.sys.sendfile == nil || t.connRaw == nil || t.fileRaw == nil {
		return false
	}
	return t.opt.Method == Sendfile || t.opt.Method == Auto
}

// stat sets size and mode to those of the file.
func (t *transfer) stat() error {
	var err error
	if t.sys.fstat != nil && t.fileRaw != nil {
		if err = t.withFile(t.callbacks.stat); err == nil {
			err = t.err
		}
	} else if err = t.enter(); err == nil {
		var info fs.FileInfo
		if info, err = t.file.Stat(); err == nil {
			t.size, t.mode = info.Size(), info.Mode()
		}
		t.leave()
	}
	if err != nil {
		return t.fail(sideOf(err, File), err)
	}
	return nil
}

func (t *transfer) statFD(fd uintptr) {
	t.size, t.mode, t.err = t.sys.fstat(fd)
}

// sendGrowth sends the bytes that were appended to the file since its size was
// read.
func (t *transfer) sendGrowth() error {
	for t.left == 0 && !t.untilEnd {
		if err := t.stat(); err != nil || t.size <= t.off {
			return err
		}
		t.left = t.size - t.off
		if err := t.run(); err != nil {
			return err
		}
	}
	return nil
}

// sendFile is the move function of the Sendfile method.
func (t *transfer) sendFile(n int) (int, error) {
	// A count that passes the end of the file makes Linux hold back the last
	// packet for more (MSG_MORE), up to 200 ms. So the count is limited to the
	// known size. At that size, read it again; only a read can confirm the end.
	if t.size <= t.off {
		if err := t.stat(); err != nil {
			return 0, err
		}
		if t.size <= t.off {
			return t.copyInstead(n)
		}
	}
	t.want = int(min(int64(n), t.size-t.off))
	n, err := t.awaitWrite(t.callbacks.trySendfile)
	t.res.ZeroCopied += int64(n)
	switch {
	case err == nil:
		return n, nil // 0: the file has shrunk below off
	case isUnsupported(err):
		return t.copyInstead(t.want)
	}
	return n, t.fail(sideOfBoth(err), os.NewSyscallError("sendfile", err))
}

// copyInstead changes to the copy method for the rest of the transfer.
func (t *transfer) copyInstead(n int) (int, error) {
	t.move = (*transfer).copyOut
	return t.copyOut(n)
}

// trySendfile makes one sendfile(2). It returns false to wait until the socket
// is writable.
func (t *transfer) trySendfile(fd uintptr) bool {
	t.connFD = fd
	if err := t.withFile(t.callbacks.callSendfile); err != nil {
		t.moved, t.err = 0, err
	}
	return !t.mustWaitToWrite(fd)
}

func (t *transfer) callSendfile(fd uintptr) {
	for again := true; again; {
		t.kernelOff = t.off
		again = t.storeResult(t.sys.sendfile(t.connFD, fd, &t.kernelOff, t.want))
	}
}
