package sendfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
)

// spliceFrom is the length from which the method by the pipe is the cheaper one.
// BenchmarkReceive, CPU seconds of the server per GB, medians of three: splice,
// and the better of this package's copy and a loop over pooled 512 KiB.
//
//	           ext4, 1      ext4, 64     tmpfs, 1     tmpfs, 64 uploads
//	64 KiB     0.44 0.17    0.38 0.26    0.39 0.30    0.49 0.35
//	1 MiB      0.24 0.17    0.32 0.32    0.36 0.25    0.45 0.37
//	16 MiB     0.31 0.34    0.44 0.43    0.37 0.44    0.54 0.55
//	100 MiB    0.35 0.35                 0.37 0.47
const spliceFrom = 2 << 20

// Receive receives n bytes from src and writes them to dst, from offset off on.
// If n is negative it receives until src ends. Receive blocks until all bytes
// are written (to the kernel, not to the disk: that takes os.File.Sync), the
// transfer fails, or ctx ends.
//
// off and n count bytes. off must not be negative, and off+n must not exceed
// the largest int64.
//
// If dst is a regular *os.File and src is a stream socket that can be reached
// through syscall.Conn, the bytes go by splice(2) through a pipe, unless n is so
// small that making the pipe costs more than it saves. Options.Method forces
// either method. Every other dst is written through a pooled buffer by its own
// WriteAt, also if it embeds a *os.File. Result.Method says which it was.
//
// A file's position neither matters nor changes, and it is never truncated. It
// must not be open with O_APPEND, which would override off. If n is known and
// not small, space in the file is reserved first, so that a disk that is too
// full is found out before anything is received. What was not used is given
// back, so nobody else may extend the file meanwhile.
//
// Any number of transfers may write to different ranges of one *os.File, and of
// any other dst whose WriteAt may be called concurrently, as io.WriterAt demands.
// Receive calls WriteAt once at a time, in the order of the offsets, and not
// again after it has failed. A WriteAt that blocks is not interrupted: ctx is
// looked at when it returns.
//
// The caller keeps dst and src and closes them, but not before Receive has
// returned. Nobody else may read from src meanwhile.
//
// Every error is an *Error, and the Result next to it says how many bytes are
// in dst. If src ends before n bytes, the error is io.ErrUnexpectedEOF with side
// Peer. If WriteAt writes less than it was given and returns no error, the error
// is io.ErrShortWrite with side File. A nil dst, or a nil *os.File, is refused
// with side Caller.
func Receive(ctx context.Context, dst io.WriterAt, src net.Conn, off, n int64, opt *Options) (Result, error) {
	return receive(ctx, dst, src, off, n, opt, &system)
}

func receive(ctx context.Context, dst io.WriterAt, src net.Conn, off, n int64, opt *Options, sys *kernel) (Result, error) {
	t, err := begin(ctx, opReceive, src, contentOfTarget(dst), off, n, opt, sys)
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
		err = t.fail(Caller, errors.New("the largest offset is reached before the end of the stream"))
	}
	t.unreserve()
	return t.end(err)
}

func (t *transfer) prepareReceive() error {
	if t.opt.Method == Sendfile || t.opt.Method == TransmitFile {
		return t.fail(Caller, fmt.Errorf("%v is a method for Send only", t.opt.Method))
	}
	t.move = (*transfer).copyIn
	if t.file == nil {
		return nil
	}
	// Package os knows whether the file appends and refuses, also when there
	// is nothing to write.
	if _, err := t.file.WriteAt(nil, t.off); err != nil {
		return t.fail(Caller, err)
	}
	if !t.wantsSplice() {
		return nil
	}
	p, err := newPipe()
	if err != nil {
		return nil // out of descriptors or of pipe memory: a buffer does nearly as well
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
	return t.opt.Method == Splice || t.opt.Method == Auto && (t.untilEnd || t.left >= spliceFrom)
}
