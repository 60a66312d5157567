package ftpd

import (
	"context"
	"errors"
)

// mover is what goes over a data connection: a file, or a listing. Its methods
// are called on the goroutine of its transfer, move at most once and then close.
type mover interface {
	// move moves all of it, and blocks until that is done, the client stalls,
	// or the operation ends.
	move(data *dataConn) error

	// close ends it. err is why it did not move, nil if it did. It returns err,
	// or why the end has failed, and tells the session.
	close(err error) error
}

// transfer begins the operation of a command that moves data. It has a
// goroutine of its own, unless that is not worth it.
func (g *guard) transfer(name, arg string, cmd command) {
	s := g.session
	if refusal := s.mayTransfer(); refusal.code != 0 {
		g.send(refusal)
		return
	}
	s.begin(name, arg)
	if !cmd.quick || !s.driver.isRoot {
		g.background(func() { g.move(cmd.open(s.driver, arg)) })
		return
	}
	m, err := cmd.open(s.driver, arg)
	if err != nil || s.isSwift() && !s.driver.isLimited() {
		g.move(m, err)
		return
	}
	g.background(func() { g.move(m, err) })
}

// move moves m, if err is nil, and answers the command. It blocks until all is
// done.
func (g *guard) move(m mover, err error) {
	if err == nil {
		err = g.session.run(m)
	}
	if err != nil {
		g.finish(say(550, sentence(reasonOf(err))))
		return
	}
	g.finish(say(226, "Transfer complete"))
}

var errPanic = errors.New("panic during the transfer")

// run moves m and closes it, which frees its file also if a hook panics.
func (s *session) run(m mover) (err error) {
	err = errPanic // unless send returns
	defer func() { err = m.close(err) }()
	return s.send(m)
}

// send lets m move over the data connection.
func (s *session) send(m mover) error {
	data, err := s.connectData()
	if err != nil {
		return err
	}
	if err := m.move(data); err != nil {
		return err
	}
	return data.end()
}

// isSwift reports whether the transfer under way cannot wait for the client:
// the data connection is there, and its send buffer has room for all that is to
// go. Such a transfer is done by the reader itself; a goroutine would add
// half to its cost.
func (s *session) isSwift() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.op.isSmall() && !s.private && s.source != nil && s.source.isThere()
}

// isSmall reports whether little is to be sent: see maxSilent.
func (op *operation) isSmall() bool { return op.size >= 0 && op.size <= maxSilent }

// connectData opens the data connection that the client has agreed on, and
// sends reply 150.
func (s *session) connectData() (*dataConn, error) {
	s.mu.Lock()
	source := s.source
	s.taken = true
	s.mu.Unlock()
	data, err := source.open()
	if err != nil {
		if ctx := s.opContext(); ctx.Err() != nil { // it was closed, and that is why
			err = context.Cause(ctx)
		}
		s.failData(err)
		return nil, err
	}
	s.guard.send(s.opened())
	return data, nil
}

// opened notes that there is a data connection and returns reply 150; the zero
// reply: it goes out together with the final one.
func (s *session) opened() reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := s.op
	op.opened = true
	r := say(150, op.opening())
	if op.isSmall() && !s.private {
		op.silent = r
		return reply{}
	}
	return r
}
