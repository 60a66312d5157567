package sendfile

import (
	"context"
	"fmt"
	"net"
	"os"
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

// Receive moves n bytes from src into dst at offset off. If n is negative it
// moves everything until src ends. It blocks until all is written to the
// kernel (not to the disk: that is dst.Sync), the transfer fails, or ctx ends.
//
// The file position of dst neither matters nor changes, and dst is never
// truncated. dst must not be open with O_APPEND, which would override off.
// The caller keeps both and closes them, but not before Receive has returned.
// Nobody else may read from src meanwhile.
//
// The bytes go by splice(2) through a pipe when src is a stream socket that
// can be reached through syscall.Conn and dst is a regular file, and are
// copied otherwise, or when n is so small that making the pipe costs more
// than it saves. Options.Method forces either.
//
// If n is known and not small, the space is reserved first, so that a disk that
// is too full is found out before anything is received. What was not used is
// given back, so nobody else may extend dst meanwhile.
//
// If src ends before n bytes the error is io.ErrUnexpectedEOF with side Peer.
// Every error is an *Error, and the Result beside it tells how much is in dst.
func Receive(ctx context.Context, dst *os.File, src net.Conn, off, n int64, opt *Options) (Result, error) {
	return receive(ctx, dst, src, off, n, opt, &system)
}

func receive(ctx context.Context, dst *os.File, src net.Conn, off, n int64, opt *Options, sys *kernel) (Result, error) {
	t, err := begin(ctx, opReceive, src, dst, nil, off, n, opt, sys)
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
	t.unreserve()
	return t.end(err)
}

func (t *transfer) prepareReceive() error {
	if t.opt.Method == Sendfile || t.opt.Method == TransmitFile {
		return t.fail(Caller, fmt.Errorf("%v is a method for Send only", t.opt.Method))
	}
	// Package os knows whether the file appends and refuses, also when there
	// is nothing to write.
	if _, err := t.file.WriteAt(nil, t.off); err != nil {
		return t.fail(Caller, err)
	}
	t.move = (*transfer).copyIn
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
	return t.opt.Method == Splice || t.opt.Method == Auto && t.left >= spliceFrom
}
