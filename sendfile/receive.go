package sendfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
)

// minSplice is the length in bytes from which splice is cheaper than copying.
// BenchmarkReceive, CPU seconds of the server per GB, medians of three: splice,
// then the better of this package's copy and a loop over a pooled 512 KiB.
//
//	           ext4, 1      ext4, 64     tmpfs, 1     tmpfs, 64 uploads
//	64 KiB     0.44 0.17    0.38 0.26    0.39 0.30    0.49 0.35
//	1 MiB      0.24 0.17    0.32 0.32    0.36 0.25    0.45 0.37
//	16 MiB     0.31 0.34    0.44 0.43    0.37 0.44    0.54 0.55
//	100 MiB    0.35 0.35                 0.37 0.47
const minSplice = 2 << 20

// Receive receives n bytes from src and writes them to dst, starting at offset
// off. If n is negative, it receives until src ends. Receive blocks until the
// kernel has all bytes (os.File.Sync brings them to the disk), the transfer
// fails, or ctx ends.
//
// off and n are in bytes. off must not be negative, and off+n must not exceed
// the largest int64.
//
// On Linux, if dst is a regular *os.File and src is a stream socket that
// implements syscall.Conn, the bytes go by splice(2) through a pipe, unless n is
// so small that making the pipe costs more than it saves. Options.Method forces
// either method. Every other dst is written from a pooled buffer by its own
// WriteAt, even if it embeds a *os.File. Result.Method says which it was.
//
// Receive neither uses nor moves a file's position, and never shortens the file.
// The file must not be open with O_APPEND, which would override off. On Linux, if
// n is 1 MiB or more, space on the disk is reserved first, so that a disk that is
// too full is reported before anything is received. Receive releases the unused
// part at its end, so nothing else may extend the file meanwhile.
//
// Any number of transfers may write to different ranges of one *os.File, or of
// any other dst that allows concurrent calls of WriteAt, as io.WriterAt demands.
// Receive makes one WriteAt at a time, in the order of the offsets, and none
// after one has failed. It cannot interrupt a WriteAt that blocks: it checks ctx
// when the call returns.
//
// The caller keeps ownership of dst and src: Receive does not close them. Nothing
// else may read from src until Receive returns. To end Receive early, end ctx or
// close src.
//
// Every error is an *Error, and the Result next to it says how many bytes are
// in dst. If src ends before n bytes, the error is io.ErrUnexpectedEOF with side
// Peer. If WriteAt writes less than it was given and returns no error, the error
// is io.ErrShortWrite with side File. A nil dst or nil *os.File is refused with
// side Caller.
func Receive(ctx context.Context, dst io.WriterAt, src net.Conn, off, n int64, opt *Options) (Result, error) {
	return receive(ctx, dst, src, off, n, opt, &system)
}

func receive(ctx context.Context, dst io.WriterAt, src net.Conn, off, n int64, opt *Options, sys *kernel) (Result, error) {
	t, err := newTransfer(ctx, opReceive, src, contentOfTarget(dst), off, n, opt, sys)
	defer t.release()
	if err == nil {
		err = t.prepareReceive()
	}
	if err == nil {
		err = t.reserve()
	}
	if err == nil {
		err = t.run()
	}
	if err == nil && t.untilEnd && t.left == 0 {
		err = t.fail(Caller, errors.New("the stream continues past the largest offset"))
	}
	t.unreserve()
	return t.finish(err)
}

// prepareReceive chooses the method, and makes the pipe of the Splice method.
func (t *transfer) prepareReceive() error {
	if t.opt.Method == Sendfile || t.opt.Method == TransmitFile {
		return t.fail(Caller, fmt.Errorf("%v is a method for Send only", t.opt.Method))
	}
	t.move = (*transfer).copyIn
	if t.file == nil {
		return nil
	}
	// Package os refuses WriteAt to a file that appends, even a WriteAt of no
	// bytes.
	if _, err := t.file.WriteAt(nil, t.off); err != nil {
		return t.fail(Caller, err)
	}
	if !t.wantsSplice() {
		return nil
	}
	p, err := newPipe()
	if err != nil {
		return nil // out of descriptors or of pipe memory: copying costs little more
	}
	t.pipe = p
	t.move = (*transfer).spliceIn
	t.res.Method = Splice
	return nil
}

func (t *transfer) wantsSplice() bool {
	if t.sys.splice == nil || t.connRaw == nil || t.fileRaw == nil {
		return false
	}
	return t.opt.Method == Splice || t.opt.Method == Auto && (t.untilEnd || t.left >= minSplice)
}
