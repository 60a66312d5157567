package sendfile

import (
	"context"
	"errors"
	"net"
	"os"
)

// spliceFrom is the length from which a pipe pays. Server CPU seconds per GB
// of BenchmarkReceive, ext4 and tmpfs, medians of five: 64 KiB splice 0.35 and
// 0.37, copy 0.17 and 0.25; 1 MiB 0.18 and 0.18, 0.16 and 0.16; 16 MiB 0.24 and
// 0.28, 0.34 and 0.43; 100 MiB 0.25 and 0.30, 0.33 and 0.41.
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
// than it saves. Options.Road forces either.
//
// If src ends before n bytes the error is io.ErrUnexpectedEOF with side Peer.
// Every error is an *Error, and the Result beside it tells how much is in dst.
func Receive(ctx context.Context, dst *os.File, src net.Conn, off, n int64, opt *Options) (Result, error) {
	return receive(ctx, dst, src, off, n, opt, &system)
}

func receive(ctx context.Context, dst *os.File, src net.Conn, off, n int64, opt *Options, sys *kernel) (Result, error) {
	t, err := begin(ctx, opReceive, src, dst, off, n, opt, sys)
	defer t.release()
	if err == nil {
		err = t.prepareReceive()
	}
	if err == nil {
		err = t.run()
	}
	return t.end(err)
}

func (t *transfer) prepareReceive() error {
	if t.opt.Road == Sendfile {
		return t.fail(Caller, errors.New("sendfile is a road for Send only"))
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
	t.res.Road = Splice
	return nil
}

func (t *transfer) wantsSplice() bool {
	if t.sys.splice == nil || t.connRaw == nil || t.fileRaw == nil {
		return false
	}
	return t.opt.Road == Splice || t.opt.Road == Auto && t.left >= spliceFrom
}
