package ftpd

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"time"

	"sluice/ftpd/internal/dataconn"
)

// operation is a command that takes long, such as a transfer. A session runs one at a
// time. It begins when the command's turn has come and ends with its final reply.
type operation struct {
	session   *session
	name, arg string // the command
	data      bool   // it needs a data connection, which is closed at its end, whatever the reply
	begun     time.Time
	ctx       context.Context // ends with the cause errAborted after ABOR
	cancel    context.CancelCauseFunc

	// Only the goroutine that works on the operation uses these.
	detached    bool      // another goroutine reads commands
	openingSent time.Time // when reply 150 was sent
	lossy       bool      // packets of the upload were lost on the way

	// The session's mutex guards these.
	ended       chan struct{} // closed at the end; nil: nobody waits
	aborts      int           // ABOR commands to be answered after the final reply
	openingText string        // text of reply 150; "": the default
	size        int64         // bytes to come; negative: not known
	opened      bool          // the data connection is open, and reply 150 sent or about to be
	result      *Transfer     // the transfer's record at its end; nil: not yet
	dataErr     error         // why the data connection failed, if result does not say it
}

var errAborted = errors.New("aborted by the client")

// runOperation runs a command as an operation and answers it. It reports whether another
// goroutine reads commands now.
func (s *session) runOperation(name, arg string, cmd command) (detached bool) {
	if cmd.data {
		if refusal := s.mayTransfer(); !refusal.IsZero() {
			s.dropSource()
			s.send(refusal)
			return false
		}
	}
	op := s.beginOperation(name, arg, cmd.data)
	if !cmd.quick || !s.user.isRoot {
		op.detach()
	}
	r := cmd.work(op, arg)
	s.answer(func() []reply { return op.end(r) })
	return op.detached
}

// beginOperation makes a new operation the current one of the session.
func (s *session) beginOperation(name, arg string, data bool) *operation {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := &operation{session: s, name: name, arg: arg, data: data, begun: time.Now(), size: -1}
	op.ctx, op.cancel = context.WithCancelCause(s.ctx)
	s.op = op
	s.live.SetCommand(strings.TrimSpace(name + " " + arg))
	s.control.setReadDeadline(time.Time{}) // the client may be silent meanwhile
	return op
}

// wakeLocked ends the operation for the session, and wakes the goroutines that wait
// for that.
func (op *operation) wakeLocked() {
	if op.ended != nil {
		close(op.ended)
		op.ended = nil
	}
	if op.session.op == op {
		op.session.op = nil
	}
}

// detach starts another goroutine that reads commands, because the rest of the
// operation may take long.
func (op *operation) detach() {
	if op.detached {
		return
	}
	op.detached = true
	op.session.addWorker()
	go op.session.serve()
}

// end ends the operation. r is the reply of its command; end returns the replies to
// send instead of r.
func (op *operation) end(r reply) []reply {
	s := op.session
	s.mu.Lock()
	defer s.mu.Unlock()
	replies := []reply{op.finalReply(r, s.allocated)}
	for range op.aborts {
		replies = append(replies, newReply(226, "Aborted"))
	}
	if op.isUpload() {
		s.allocated = -1 // ALLO was about this upload
	}
	op.cancel(nil)
	s.live.SetCommand("")
	if op.result != nil {
		s.last = op.result
	}
	op.wakeLocked()
	if s.sourceUsed || op.data {
		s.dropSourceLocked()
	}
	s.idleSince = time.Now()
	if s.pending.IsEmpty() {
		s.setIdleLocked()
	} else {
		s.control.setReadDeadline(longAgo) // wakes the reader
	}
	return replies
}

func (op *operation) isUpload() bool {
	return op.name == Store || op.name == "STOU" || op.name == Append
}

// abort cancels the operation under way, if any, because of cause, and closes the
// data connection. It does not wait for the operation to end.
func (s *session) abort(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abortLocked(cause)
}

func (s *session) abortLocked(cause error) {
	if s.op != nil {
		s.op.cancel(cause)
	}
	if s.source != nil {
		s.source.Fail()
		s.source.Close()
		s.sourceUsed = true
	}
}

// connect opens the data connection that the client has agreed on, and sends reply
// 150. Reply 150 precedes the first byte of data and the final reply follows the last,
// each in a packet of its own: some clients lose the second of two replies.
func (op *operation) connect() (*dataconn.Conn, error) {
	s := op.session
	s.mu.Lock()
	source := s.source
	s.sourceUsed = true
	s.mu.Unlock()
	data, err := source.Open(op.ctx)
	if err != nil {
		if op.ctx.Err() != nil { // abort has closed the source
			err = context.Cause(op.ctx)
		}
		return nil, op.setDataErr(op.logStranger(err))
	}
	s.mu.Lock()
	op.opened = true
	opening := newReply(150, op.openingReply())
	s.mu.Unlock()
	s.send(opening)
	op.openingSent = time.Now()
	return data, nil
}

// logStranger logs err, once in a session, if it is about a data connection from another
// address, and returns it. An operator can do something about that, which a client cannot.
func (op *operation) logStranger(err error) error {
	s := op.session
	if !errors.Is(err, dataconn.ErrStranger) || s.server.Logger == nil {
		return err
	}
	s.mu.Lock()
	again := s.hasWarned
	s.hasWarned = true
	s.mu.Unlock()
	if !again {
		s.server.Logger.Warn("ftp data connection refused", "session", s.id, "remote", s.remote, "err", err)
	}
	return err
}

// hasDataConn reports whether an unencrypted data connection is open already.
func (op *operation) hasDataConn() bool {
	s := op.session
	s.mu.Lock()
	source, protect := s.source, s.protectData
	s.mu.Unlock()
	if protect || source == nil {
		return false
	}
	if !source.IsConnected() {
		runtime.Gosched() // the goroutine that accepts may be about to run
	}
	return source.IsConnected()
}

// setSize sets how many bytes a RETR is going to send, for reply 150.
func (op *operation) setSize(size int64) {
	op.session.mu.Lock()
	defer op.session.mu.Unlock()
	op.size = size
}

// setOpening sets the text of reply 150.
func (op *operation) setOpening(text string) {
	op.session.mu.Lock()
	defer op.session.mu.Unlock()
	op.openingText = text
}

// setResult sets the record of a transfer that has ended, for the final reply. Only
// the first call counts.
func (op *operation) setResult(t Transfer) {
	op.session.mu.Lock()
	defer op.session.mu.Unlock()
	if op.result == nil {
		op.result = &t
	}
}

// setDataErr sets why the data connection failed, unless err is nil, and returns err.
// Only the first error counts.
func (op *operation) setDataErr(err error) error {
	op.session.mu.Lock()
	defer op.session.mu.Unlock()
	if op.dataErr == nil {
		op.dataErr = err
	}
	return err
}
