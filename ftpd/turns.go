package ftpd

import "time"

// Held commands wait for the end of an operation. A client that sends more
// than that is not read from meanwhile.
const (
	maxHeld      = 64
	maxHeldBytes = 2 * maxLine
)

// hold takes a line whose turn it is not: it answers it, or keeps it until the
// operation has ended. It reports false if there is none. Commands are
// answered in the order in which they have come; ABOR is obeyed at once.
func (s *session) hold(line string) bool {
	name, arg := splitLine(line)
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
	case !now || len(s.held) > 0:
		s.held = append(s.held, line)
		s.heldBytes += len(line)
		full := s.fullLocked()
		s.mu.Unlock()
		<-full
	case abort:
		s.op.aborts++
		s.mu.Unlock()
	default:
		s.mu.Unlock()
		s.guard.send(cmd.run(s, arg))
	}
	return true
}

// fullLocked returns a channel that is closed when there is room for another
// held line.
func (s *session) fullLocked() <-chan struct{} {
	if len(s.held) < maxHeld && s.heldBytes < maxHeldBytes {
		return closed
	}
	if s.op.over == nil {
		s.op.over = make(chan struct{})
	}
	return s.op.over
}

var closed = make(chan struct{})

func init() { close(closed) }

// nextHeld returns the held line whose turn it is.
func (s *session) nextHeld() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op != nil || len(s.held) == 0 {
		return "", false
	}
	line := s.held[0]
	s.heldBytes -= len(line)
	if s.held = s.held[1:]; len(s.held) == 0 {
		s.held = nil
	}
	return line, true
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
	_ = s.guard.tcp.SetReadDeadline(deadline)
}

// isIdle reports whether the client has been silent for too long.
func (s *session) isIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := s.server.idleTimeout()
	return s.op == nil && len(s.held) == 0 && idle > 0 && time.Since(s.quiet) >= idle
}
