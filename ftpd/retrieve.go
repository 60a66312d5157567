package ftpd

import (
	"io"

	"sluice/internal/vfs"
	"sluice/sendfile"
)

// toEnd stands for a size that is not known: the file is sent up to its end.
const toEnd = -1

// retr answers RETR.
//
// It sends as many bytes as the file had when it was opened, from the offset on. If the
// file shrinks meanwhile, the transfer fails, because the client would take the short
// file for the whole one. If it grows, the new bytes are not sent. A file of /proc or /sys,
// whose size is 0 or that of a page whatever it has, is sent up to its end.
func (op *operation) retr(arg string) (r reply) {
	s := op.session
	t := newTransfer(op.ctx, s.server, s.live, s.user, Retrieve, s.path(arg))
	first, last := s.takeRange()
	t.record.Offset = first
	if op.isSequential() {
		return op.retrieveSequential(t, first, last)
	}
	f, size, err := t.user.openWhole(t.record.Path, first)
	if err != nil {
		return op.finish(t, err)
	}
	stop := size
	if last >= 0 && last < size {
		stop = last + 1
	}
	length, isUnsized := stop-first, vfs.IsUnsized(f, size)
	if isUnsized {
		length = toEnd
	}
	err = errPanic // remains if a hook panics in send
	defer func() {
		reportFailure(f, err)
		vfs.MountOfFile(t.user.readTree(), f).Close(f)
		r = op.finish(t, err)
	}()
	if first > size || isUnsized && first > 0 {
		err = errOffset
		return
	}
	op.setSize(length)
	inline := length >= 0 && length <= maxInline && !t.user.isLimited(t.server)
	if !inline || !op.hasDataConn() {
		op.detach() // for a small file this adds half to the cost
	}
	err = op.sendWithConn(func(conn *stream) error {
		if inline {
			conn.cork()
		}
		return t.send(conn, f, first, length)
	})
	return
}

// maxInline is the size up to which the goroutine that reads commands sends a file. It
// fits the smallest send buffer, so sending it never waits for the client.
const maxInline = 4 << 10

// send sends size bytes of f from offset on.
func (t *transfer) send(conn *stream, f io.ReaderAt, offset, size int64) error {
	f = vfs.Content(f)
	t.beginLive(conn, false, size)
	opt := t.sendOptions(conn, sendfile.Copy, sendfile.Sendfile, sendfile.TransmitFile)
	t.limit(opt, false, size)
	opt.Disk = t.liveEntry.Waiting(f, vfs.MountOfFile(t.user.readTree(), f))
	res, err := sendfile.Send(t.ctx, conn.Conn, f, offset, size, opt)
	if t.ctx.Err() != nil || isStall(err) { // after other errors the client can still read the data and the reply
		conn.fail()
	}
	return t.recordResult(res, err)
}
