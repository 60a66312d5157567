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

// Send sends n bytes of src, from offset off on, to dst. If n is negative it
// sends everything up to the end of src, including what a file gains meanwhile.
// Send blocks until the system has accepted all bytes for the peer, the
// transfer fails, or ctx ends.
//
// off and n count bytes. off must not be negative, and off+n must not exceed
// the largest int64. An off at or behind the end of src is no error by itself:
// nothing is sent if n is negative or 0.
//
// If src is a regular *os.File with a page cache and dst is a stream socket
// that can be reached through syscall.Conn (*net.TCPConn and *net.UnixConn
// can; *tls.Conn cannot), the bytes go by sendfile(2), or by TransmitFile on
// server editions of Windows. Every other src is copied through a pooled buffer
// by its own ReadAt, also if it embeds a *os.File. Result.Method says which it
// was.
//
// A file's position neither matters nor changes, so any number of transfers may
// share one *os.File. They may share any other src whose ReadAt may be called
// concurrently, as io.ReaderAt demands. Send calls ReadAt once at a time, only
// for bytes below off+n, and not again after it has returned an error. A ReadAt
// that blocks is not interrupted: ctx is looked at when it returns.
//
// A *os.File without positions, such as a pipe, is read from where it is: off
// must be 0, and bytes read but not accepted by the peer are lost.
//
// The caller keeps src and dst and closes them, but not before Send has
// returned. Nobody else may write to dst meanwhile.
//
// Every error is an *Error, and the Result next to it says how many bytes the
// system has accepted. If src ends before n bytes, all it had has been sent, and
// the error is io.ErrUnexpectedEOF with side File. If ReadAt returns neither
// bytes nor an error, the error is io.ErrNoProgress, also with side File. A nil
// src, or a nil *os.File, is refused with side Caller.
func Send(ctx context.Context, dst net.Conn, src io.ReaderAt, off, n int64, opt *Options) (Result, error) {
	return send(ctx, dst, src, off, n, opt, &system)
}

func send(ctx context.Context, dst net.Conn, src io.ReaderAt, off, n int64, opt *Options, sys *kernel) (Result, error) {
	t, err := begin(ctx, opSend, dst, contentOfSource(src), off, n, opt, sys)
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
	if t.untilEnd && t.size > 0 {
		t.untilEnd, t.left = false, max(t.size-t.off, 0)
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
