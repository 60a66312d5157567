package sendfile

import (
	"context"
	"net"
)

// Write sends all of p to dst, with the timeouts, hooks, errors and ownership of
// Send; Error.Offset is an offset in p. It is for bytes that go before, between
// or after parts of files, such as headers, and for small contents in memory.
// Result.Method is Copy. Write does not modify or keep p.
//
// Unlike the Write of most connections, it does not mistake a peer that slowly
// drains a full send buffer for a stalled one. As long as it need not wait, it
// costs one system call and sets no deadline.
func Write(ctx context.Context, dst net.Conn, p []byte, opt *Options) (Result, error) {
	return write(ctx, dst, p, opt, &system)
}

func write(ctx context.Context, dst net.Conn, p []byte, opt *Options, sys *kernel) (Result, error) {
	t, err := newTransfer(ctx, opSend, dst, contentOfBytes(p), 0, int64(len(p)), opt, sys)
	defer t.release()
	if err == nil {
		t.move = (*transfer).writeOut
		err = t.run()
	}
	return t.finish(err)
}

// writeOut is the move function of Write.
func (t *transfer) writeOut(n int) (int, error) {
	t.pending = t.bytes[:n]
	n, err := t.write(t.pending)
	t.bytes = t.bytes[n:]
	if err != nil {
		return n, t.fail(sideOf(err, Peer), err)
	}
	return n, nil
}
