package sendfile

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// Send moves n bytes of src, starting at offset off, to dst. If n is negative
// it moves everything to the end of src, to the end it then has if src grows
// meanwhile. It blocks until all is accepted by the kernel, the transfer
// fails, or ctx ends.
//
// The file position of src neither matters nor changes, so any number of
// transfers may share one src. The caller keeps both and closes them, but not
// before Send has returned. Nobody else may write to dst meanwhile.
//
// The bytes go by sendfile(2) when dst is a stream socket that can be reached
// through syscall.Conn (*net.TCPConn and *net.UnixConn can; *tls.Conn cannot)
// and src is a regular file with a page cache, or by TransmitFile on server
// editions of Windows. Otherwise they are copied; the Result says which. A src
// without positions (a pipe) is read from where it is: off must be 0, and bytes
// read but not accepted by the peer are lost.
//
// If src ends before n bytes the error is io.ErrUnexpectedEOF, and what there
// was has been sent. Every error is an *Error, and the Result beside it tells
// how much the kernel accepted.
func Send(ctx context.Context, dst net.Conn, src *os.File, off, n int64, opt *Options) (Result, error) {
	return send(ctx, dst, src, off, n, opt, &system)
}

func send(ctx context.Context, dst net.Conn, src *os.File, off, n int64, opt *Options, sys *kernel) (Result, error) {
	t, err := begin(ctx, opSend, dst, src, nil, off, n, opt, sys)
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
	return t.end(err)
}

// prepareSend chooses the method and, if the caller wants everything, finds out
// how much that is.
func (t *transfer) prepareSend() error {
	if t.opt.Method == Splice {
		return t.fail(Caller, errors.New("splice is a method for Receive only"))
	}
	t.move = (*transfer).copyOut

	if err := t.stat(); err != nil {
		return err
	}
	switch {
	case t.mode.IsDir():
		return t.fail(File, syscall.EISDIR)
	case t.mode&(fs.ModeNamedPipe|fs.ModeSocket) != 0:
		t.sequential = true
		if t.off != 0 {
			return t.fail(Caller, errors.New("a pipe has no offset but 0"))
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
	// A regular file of size 0 may be one of /proc's, whose end only a read
	// can tell.
	if t.left == endless && t.size > 0 {
		t.left = max(t.size-t.off, 0)
	}
	return nil
}

func (t *transfer) wantsSendfile() bool {
	if t.sys.sendfile == nil || t.connRaw == nil || t.fileRaw == nil {
		return false
	}
	return t.opt.Method == Sendfile || t.opt.Method == Auto
}

// stat asks for size and kind of the file.
func (t *transfer) stat() error {
	var err error
	if t.sys.fstat != nil && t.fileRaw != nil {
		if err = t.withFile(t.callbacks.stat); err == nil {
			err = t.err
		}
	} else {
		var info fs.FileInfo
		if info, err = t.file.Stat(); err == nil {
			t.size, t.mode = info.Size(), info.Mode()
		}
	}
	if err != nil {
		return t.fail(sideOf(err, File), err)
	}
	return nil
}

func (t *transfer) statFD(fd uintptr) {
	t.size, t.mode, t.err = t.sys.fstat(fd)
}

// sendGrowth sends what src has gained since its size was taken.
func (t *transfer) sendGrowth() error {
	for t.left == 0 {
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

// sendFile is the move of the sendfile method.
func (t *transfer) sendFile(n int) (int, error) {
	// A count that passes the end of the file makes Linux hold back the last
	// packet for more (MSG_MORE), up to 200 ms. So the size is asked again
	// before the end is believed, and only a read may confirm it.
	if t.size <= t.off {
		if err := t.stat(); err != nil {
			return 0, err
		}
		if t.size <= t.off {
			return t.copyInstead(n)
		}
	}
	t.ask = int(min(int64(n), t.size-t.off))
	n, err := t.awaitWrite(t.callbacks.sendReady)
	t.res.ZeroCopied += int64(n)
	switch {
	case err == nil:
		return n, nil // 0: the file has shrunk below off
	case notHere(err):
		return t.copyInstead(t.ask)
	}
	return n, t.fail(sideOfBoth(err), os.NewSyscallError("sendfile", err))
}

// copyInstead leaves the fast path for the rest of the transfer.
func (t *transfer) copyInstead(n int) (int, error) {
	t.move = (*transfer).copyOut
	return t.copyOut(n)
}

func (t *transfer) sendReady(fd uintptr) bool {
	t.connFD = fd
	if err := t.withFile(t.callbacks.sendFrom); err != nil {
		t.got, t.err = 0, err
	}
	return !t.full(fd)
}

func (t *transfer) sendFrom(fd uintptr) {
	for again := true; again; {
		t.at = t.off
		again = t.settle(t.sys.sendfile(t.connFD, fd, &t.at, t.ask))
	}
}
