package sendfile

import (
	"context"
	"net"
)

// Write sends p as Send sends a file: with the same idea of a stall, the same
// hooks and the same errors, whose offset is one in p. It is for what goes
// before, between and behind the parts of files, and for what is small enough
// to be kept in memory. Its method is Copy.
//
// Unlike the Write of most connections it does not mistake a peer who drains a
// full send buffer slowly for one that stalls, and as long as it need not wait
// it costs one system call and sets no deadline.
func Write(ctx context.Context, dst net.Conn, p []byte, opt *Options) (Result, error) {
	return write(ctx, dst, p, opt, &system)
}

func write(ctx context.Context, dst net.Conn, p []byte, opt *Options, sys *kernel) (Result, error) {
	t, err := begin(ctx, opSend, dst, contentOfBytes(p), 0, int64(len(p)), opt, sys)
	defer t.release()
	if err == nil {
		t.move = (*transfer).writeOut
		err = t.run()
	}
	return t.end(err)
}

// writeOut is the move of Write.
func (t *transfer) writeOut(n int) (int, error) {
	t.pending = t.bytes[:n]
	n, err := t.write(t.pending)
	t.bytes = t.bytes[n:]
	if err != nil {
		return n, t.fail(sideOf(err, Peer), err)
	}
	return n, nil
}
