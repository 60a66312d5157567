package ftpd

import (
	"errors"
	"os"
	"strings"
	"time"

	"sluice/ftpd/internal/control"
)

// next blocks until a command may run, and returns its line: one that was kept during an
// operation, or the next line that the client sends.
func (s *session) next() (string, error) {
	s.startIdle()
	for {
		if line, ok := s.popPending(); ok {
			return line, nil
		}
		line, err := s.control.readLine()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if s.isIdle() {
				s.control.closeWith(newReply(421, "No command for too long"))
				return "", errIdle
			}
			continue // the deadline was moved, because an operation has begun or ended
		case err == control.ErrTooLong:
			s.send(newReply(500, "Command line too long"))
			continue
		case err == control.ErrNUL:
			s.send(newReply(501, "NUL in the command line"))
			continue
		case err == control.ErrForeign:
			s.control.closeWith(newReply(421, "This is an FTP server"))
			return "", err
		case err != nil:
			if <-s.untilOperationEnds(err); s.hasPendingQuit() {
				continue // the client may still wait for the replies
			}
			return "", err
		}
		if !s.holdOrAnswer(line) {
			return line, nil
		}
	}
}

// holdOrAnswer handles a line that has come during an operation: it answers it, or keeps
// it until the operation has ended. It reports false if no operation is under way, and no
// earlier line is kept: the operation may have ended while the line was read.
// Replies are in the order of the commands; but ABOR takes effect at once. If too many
// lines are kept, holdOrAnswer blocks until the operation has ended.
func (s *session) holdOrAnswer(line string) bool {
	name, arg := control.Split(line)
	cmd := commands[name]
	arg = cmd.cleanArg(arg)
	atOnce := cmd.duringTransfer && strings.TrimSpace(arg) == ""
	s.mu.Lock()
	if s.op == nil {
		defer s.mu.Unlock()
		if s.pending.IsEmpty() {
			return false
		}
		s.pending.Push(line)
		return true
	}
	abort := name == "ABOR" && atOnce
	if abort {
		s.abortLocked(errAborted)
	}
	switch {
	case !atOnce || !s.pending.IsEmpty():
		s.pending.Push(line)
		s.quitting = s.quitting || name == "QUIT"
		room := s.roomLocked()
		s.mu.Unlock()
		<-room
	case abort:
		s.op.aborts++
		s.mu.Unlock()
	default:
		s.mu.Unlock()
		s.send(cmd.run(s, arg))
	}
	return true
}

// untilOperationEnds is called when the control connection has ended because of err. An
// operation goes on then if the client has sent QUIT (RFC 959, 4.1.1), or has announced
// the size of its upload with ALLO. The channel is closed when that operation has ended,
// or at once if there is none.
func (s *session) untilOperationEnds(err error) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op == nil || !s.quitting && (s.allocated < 0 || !s.op.isUpload()) {
		return closed
	}
	s.readErr = err
	return s.op.endLocked()
}

// hasPendingQuit reports whether QUIT is among the lines that were kept.
func (s *session) hasPendingQuit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quitting && !s.pending.IsEmpty()
}

// endLocked returns a channel that is closed when the operation ends.
func (op *operation) endLocked() <-chan struct{} {
	if op.ended == nil {
		op.ended = make(chan struct{})
	}
	return op.ended
}

// roomLocked returns a channel that is closed when another line can be kept.
func (s *session) roomLocked() <-chan struct{} {
	if !s.pending.IsFull() {
		return closed
	}
	return s.op.endLocked()
}

var closed = make(chan struct{}) // always closed

func init() { close(closed) }

// popPending returns the first line that was kept, unless an operation is under way.
func (s *session) popPending() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op != nil {
		return "", false
	}
	return s.pending.Pop()
}

// startIdle begins the wait for the next command.
func (s *session) startIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op == nil {
		s.idleSince = time.Now()
		s.setIdleLocked()
	}
}

// setIdleLocked sets the deadline for the next command. Parts of a line do not extend
// it.
func (s *session) setIdleLocked() {
	var deadline time.Time
	if idle := s.server.idleTimeout(); idle > 0 {
		deadline = s.idleSince.Add(idle)
	}
	s.control.setReadDeadline(deadline)
}

// isIdle reports whether the client has been silent for IdleTimeout.
func (s *session) isIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := s.server.idleTimeout()
	return s.op == nil && s.pending.IsEmpty() && idle > 0 && time.Since(s.idleSince) >= idle
}
