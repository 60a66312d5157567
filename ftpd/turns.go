package ftpd

import (
	"errors"
	"os"
	"time"

	"sluice/ftpd/internal/control"
)

// Whose turn it is: the next line of the client, one that was kept, or nobody's.

// next blocks until it is some command's turn, and returns its line.
func (s *session) next() (string, error) {
	s.rest()
	for {
		if held, ok := s.nextHeld(); ok {
			return held, nil
		}
		line, err := s.control.line()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if s.isIdle() {
				s.control.bye(say(421, "No command for too long"))
				return "", errIdle
			}
			continue // an operation has ended, or begun to be waited for
		case err == control.ErrTooLong:
			s.send(say(500, "Command line too long"))
			continue
		case err == control.ErrNUL:
			s.send(say(501, "NUL in the command line"))
			continue
		case err == control.ErrForeign:
			s.control.bye(say(421, "This is FTP"))
			return "", err
		case err != nil:
			if <-s.goesOn(err); s.quits() {
				continue // it may wait for the answers
			}
			return "", err
		}
		if !s.hold(line) {
			return line, nil
		}
	}
}

// hold takes a line whose turn it is not: it answers it, or keeps it until the
// operation has ended. It reports false if there is none. Commands are
// answered in the order in which they have come; ABOR is obeyed at once. While
// too many lines are kept the client is not read from.
func (s *session) hold(line string) bool {
	name, arg := control.Split(line)
	cmd := commands[name]
	now := cmd.during && arg == ""
	s.mu.Lock()
	if s.op == nil {
		s.mu.Unlock()
		return false
	}
	abort := name == "ABOR" && now
	if abort {
		s.abortLocked(errAborted)
	}
	switch {
	case !now || !s.held.IsEmpty():
		s.held.Push(line)
		s.quitting = s.quitting || name == "QUIT" && arg == ""
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

// goesOn returns a channel that is closed when the operation under way has ended, if it
// goes on although the control connection has ended for the reason of err: because
// the client has sent QUIT (RFC 959, 4.1.1), or has announced with ALLO how much it
// uploads.
func (s *session) goesOn(err error) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op == nil || !s.quitting && (s.allocated < 0 || !s.op.isUpload()) {
		return closed
	}
	s.gone = err
	return s.op.endLocked()
}

// quits reports whether QUIT waits for its turn.
func (s *session) quits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quitting && !s.held.IsEmpty()
}

// endLocked returns a channel that is closed at the end of the operation.
func (op *operation) endLocked() <-chan struct{} {
	if op.ended == nil {
		op.ended = make(chan struct{})
	}
	return op.ended
}

// roomLocked returns a channel that is closed when there is room for another
// held line.
func (s *session) roomLocked() <-chan struct{} {
	if !s.held.IsFull() {
		return closed
	}
	return s.op.endLocked()
}

var closed = make(chan struct{})

func init() { close(closed) }

// nextHeld returns the held line whose turn it is.
func (s *session) nextHeld() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op != nil {
		return "", false
	}
	return s.held.Pop()
}

// rest begins to wait for the next command.
func (s *session) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op == nil {
		s.quiet = time.Now()
		s.setIdleLocked()
	}
}

// setIdleLocked lets the reader lose its patience in time. What there is of a
// line does not extend it.
func (s *session) setIdleLocked() {
	var deadline time.Time
	if idle := s.server.idleTimeout(); idle > 0 {
		deadline = s.quiet.Add(idle)
	}
	s.control.readBy(deadline)
}

// isIdle reports whether the client has been silent for too long.
func (s *session) isIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := s.server.idleTimeout()
	return s.op == nil && s.held.IsEmpty() && idle > 0 && time.Since(s.quiet) >= idle
}
