package ftpd

import (
	"context"
	"errors"
	"strings"
	"time"
)

// operation is what a session is busy with: a transfer, or another command that
// takes long. It begins when the command's turn has come and ends with its
// final reply. The session's mutex guards it.
type operation struct {
	name, arg string // the command
	begun     time.Time
	ctx       context.Context
	cancel    context.CancelCauseFunc
	over      chan struct{} // closed at the end; nil: nobody waits

	aborts  int       // ABORs that wait for the final reply
	intro   string    // text of reply 150; "": a plain one
	size    int64     // bytes to come, as far as known; negative: not known
	opened  bool      // there is a data connection, and reply 150 was due
	silent  reply     // that reply, if it waits for the final one
	result  *Transfer // how it has ended; nil: not known
	failure error     // of the data connection, where result does not tell it
}

var errAborted = errors.New("aborted by the client")

// begin begins an operation. Whoever needs its data connection has asked
// mayTransfer.
func (s *session) begin(name, arg string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := &operation{name: name, arg: arg, begun: time.Now(), size: -1}
	op.ctx, op.cancel = context.WithCancelCause(s.ctx)
	s.op = op
	s.live.SetCommand(strings.TrimSpace(name + " " + arg))
	_ = s.guard.tcp.SetReadDeadline(time.Time{}) // the client may wait for the end in silence
}

// end ends the operation with the reply r and returns what is to be sent in its
// place; if there is no operation it returns r.
func (s *session) end(r reply) []reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := s.op
	if op == nil {
		return []reply{r}
	}
	replies := []reply{op.silent, op.final(r, s.allocated)}
	for range op.aborts {
		replies = append(replies, say(226, "Aborted"))
	}
	if op.isUpload() {
		s.allocated = -1 // it was about this one
	}
	op.cancel(nil)
	s.live.SetCommand("")
	if op.over != nil {
		close(op.over)
	}
	if op.result != nil {
		s.last = op.result
	}
	s.op = nil
	if s.taken {
		s.dropSourceLocked()
	}
	s.quiet = time.Now()
	if len(s.held) > 0 {
		_ = s.guard.tcp.SetReadDeadline(longAgo) // wakes the reader
	} else {
		s.setIdleLocked()
	}
	return replies
}

func (op *operation) isUpload() bool {
	return op.name == Store || op.name == "STOU" || op.name == Append
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// opContext returns the context of the operation under way, which ABOR ends
// with the cause errAborted; without one that of the session.
func (s *session) opContext() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op == nil {
		return s.ctx
	}
	return s.op.ctx
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
		s.source.fail()
		s.source.close()
		s.taken = true
	}
}

// What the transfers tell of themselves.

// announce tells how many bytes a RETR is going to send.
func (s *session) announce(size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op != nil {
		s.op.size = size
	}
}

// introduce sets the text of reply 150.
func (s *session) introduce(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op != nil {
		s.op.intro = text
	}
}

// settle tells how a transfer has ended, before its final reply. The first
// word counts.
func (s *session) settle(t Transfer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op != nil && s.op.result == nil {
		s.op.result = &t
	}
}

// failData tells that the data connection has failed. The first word counts.
func (s *session) failData(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op != nil && s.op.failure == nil {
		s.op.failure = err
	}
}
