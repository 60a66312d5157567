package ftpd

import (
	"io"

	"sluice/sendfile"
)

// toEnd is the size of what is sent up to its end, wherever that is.
const toEnd = -1

// retr answers RETR.
//
// What goes is what the file holds when it is opened, from the offset on: if
// it shrinks meanwhile the transfer fails, because the client would take a
// short file for the whole; what it gains is left for the next time.
func (op *operation) retr(arg string) (r reply) {
	s := op.session
	t := newTransfer(op.ctx, s.server, s.live, s.user, Retrieve, s.path(arg))
	first, last := s.takeRange()
	t.record.Offset = first
	if op.isSequential() {
		return op.retrieveOn(t, first, last)
	}
	f, size, err := t.user.openWhole(t.record.Path)
	if err != nil {
		return op.done(t, err)
	}
	stop := size
	if last >= 0 && last < size {
		stop = last + 1
	}
	err = errPanic // of a hook, unless send returns
	defer func() {
		tellFailure(f, err)
		_ = f.Close() // it was only read
		r = op.done(t, err)
	}()
	if first > size {
		err = errOffset
		return
	}
	op.announce(stop - first)
	swift := stop-first <= maxSwift && !t.user.isLimited(t.server)
	if !swift || !op.isThere() {
		op.detach() // which adds half to the cost of a small file
	}
	err = op.sendOver(func(conn *stream) error {
		if swift {
			conn.cork()
		}
		return t.send(conn, f, first, stop-first)
	})
	return
}

// maxSwift is the size of a file that fits the smallest send buffer, so that sending it
// cannot wait for the client.
const maxSwift = 4 << 10

// send sends size bytes of f from the offset on.
func (t *transfer) send(conn *stream, f io.ReaderAt, offset, size int64) error {
	t.watch(conn, false, size)
	opt := t.options(conn, sendfile.Copy, sendfile.Sendfile, sendfile.TransmitFile)
	t.limit(opt, false, size)
	res, err := sendfile.Send(t.ctx, conn.Conn, f, offset, size, opt)
	if t.ctx.Err() != nil || isStall(err) { // otherwise the client reads what went, and the reply
		conn.fail()
	}
	return t.ended(res, err)
}
