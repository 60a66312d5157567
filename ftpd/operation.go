package ftpd

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"time"

	"sluice/ftpd/internal/dataconn"
)

// operation is what a session is busy with: a transfer, or another command that
// takes long. It begins when the command's turn has come and ends with its
// final reply.
type operation struct {
	session    *session
	name, arg  string // the command
	data       bool   // it needs a data connection, which ends with it, whatever the reply
	begun      time.Time
	ctx        context.Context // ends with the cause errAborted after ABOR
	cancel     context.CancelCauseFunc
	detached   bool      // another goroutine reads commands; of the goroutine that works
	introduced time.Time // when reply 150 was sent; of the goroutine that works
	lossy      bool      // packets of the upload were lost on the way; of the same

	// The session's mutex guards these.
	ended   chan struct{} // closed at the end; nil: nobody waits
	aborts  int           // ABORs that wait for the final reply
	intro   string        // text of reply 150; "": a plain one
	size    int64         // bytes to come, as far as known; negative: not known
	opened  bool          // there is a data connection, and reply 150 was due
	result  *Transfer     // how it has ended; nil: not known
	failure error         // of the data connection, where result does not tell it
}

var errAborted = errors.New("aborted by the client")

// operate answers a command that may take long. It reports whether another
// goroutine reads commands now.
func (s *session) operate(name, arg string, cmd command) (left bool) {
	if cmd.data {
		if refusal := s.mayTransfer(); !refusal.IsZero() {
			s.dropSource()
			s.send(refusal)
			return false
		}
	}
	op := s.begin(name, arg, cmd.data)
	if !cmd.quick || !s.user.isRoot {
		op.detach()
	}
	r := cmd.work(op, arg)
	s.answer(func() []reply { return op.end(r) })
	return op.detached
}

// begin begins an operation.
func (s *session) begin(name, arg string, data bool) *operation {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := &operation{session: s, name: name, arg: arg, data: data, begun: time.Now(), size: -1}
	op.ctx, op.cancel = context.WithCancelCause(s.ctx)
	s.op = op
	s.live.SetCommand(strings.TrimSpace(name + " " + arg))
	s.control.readBy(time.Time{}) // the client may wait for the end in silence
	return op
}

// wakeLocked takes the operation away, and wakes those who wait for its end.
func (op *operation) wakeLocked() {
	if op.ended != nil {
		close(op.ended)
		op.ended = nil
	}
	if op.session.op == op {
		op.session.op = nil
	}
}

// detach leaves reading commands to another goroutine, because what comes may
// take long.
func (op *operation) detach() {
	if op.detached {
		return
	}
	op.detached = true
	op.session.enter()
	go op.session.serve()
}

// end ends the operation with the reply r and returns what is to be sent in its
// place.
func (op *operation) end(r reply) []reply {
	s := op.session
	s.mu.Lock()
	defer s.mu.Unlock()
	replies := []reply{op.final(r, s.allocated)}
	for range op.aborts {
		replies = append(replies, say(226, "Aborted"))
	}
	if op.isUpload() {
		s.allocated = -1 // it was about this one
	}
	op.cancel(nil)
	s.live.SetCommand("")
	if op.result != nil {
		s.last = op.result
	}
	op.wakeLocked()
	if s.taken || op.data {
		s.dropSourceLocked()
	}
	s.quiet = time.Now()
	if s.held.IsEmpty() {
		s.setIdleLocked()
	} else {
		s.control.readBy(longAgo) // wakes the reader
	}
	return replies
}

func (op *operation) isUpload() bool {
	return op.name == Store || op.name == "STOU" || op.name == Append
}

// abort ends the operation under way, if there is one, for the reason of
// cause, and closes the data connection. It does not wait for the end.
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
		s.taken = true
	}
}

// connect opens the data connection that the client has agreed on, and sends
// reply 150. That goes out alone and before the first byte, and the final reply alone
// and after the last: some clients lose the second of two replies.
func (op *operation) connect() (*dataconn.Conn, error) {
	s := op.session
	s.mu.Lock()
	source := s.source
	s.taken = true
	s.mu.Unlock()
	data, err := source.Open(op.ctx)
	if err != nil {
		if op.ctx.Err() != nil { // it was closed, and that is why
			err = context.Cause(op.ctx)
		}
		return nil, op.failData(err)
	}
	s.mu.Lock()
	op.opened = true
	opening := say(150, op.opening())
	s.mu.Unlock()
	s.send(opening)
	op.introduced = time.Now()
	return data, nil
}

// isThere reports whether a data connection in clear can be had without waiting.
func (op *operation) isThere() bool {
	s := op.session
	s.mu.Lock()
	source, private := s.source, s.private
	s.mu.Unlock()
	if private || source == nil {
		return false
	}
	if !source.IsThere() {
		runtime.Gosched() // it may wait for the goroutine that accepts it
	}
	return source.IsThere()
}

// What the transfers tell of themselves.

// announce tells how many bytes a RETR is going to send.
func (op *operation) announce(size int64) {
	op.session.mu.Lock()
	defer op.session.mu.Unlock()
	op.size = size
}

// introduce sets the text of reply 150.
func (op *operation) introduce(text string) {
	op.session.mu.Lock()
	defer op.session.mu.Unlock()
	op.intro = text
}

// settle tells how a transfer has ended, before its final reply. The first
// word counts.
func (op *operation) settle(t Transfer) {
	op.session.mu.Lock()
	defer op.session.mu.Unlock()
	if op.result == nil {
		op.result = &t
	}
}

// failData tells that the data connection has failed, if err is not nil, and returns
// err. The first word counts.
func (op *operation) failData(err error) error {
	op.session.mu.Lock()
	defer op.session.mu.Unlock()
	if op.failure == nil {
		op.failure = err
	}
	return err
}
