package ftpd

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// guard stands between a client and the library: to the library it is the
// control connection. It delivers commands that are whole, known, and in
// turn, one at a time, and answers the others itself. While a transfer is
// under way it goes on reading, so that ABOR is heard and the loss of the
// client seen, and keeps commands back until the final reply. It sees every
// reply of the library and sends a better one in its place.
//
// Read is for one goroutine at a time, the library's reader. What the guard
// answers itself it answers within Read: nothing of the library runs then.
type guard struct {
	session *session
	tcp     net.Conn      // to the client; deadlines are set on it
	stall   time.Duration // bound of each write; zero: none

	// Used by Read alone.
	in    lineBuffer
	out   []byte // lines for the library that it has not read yet
	known bool   // a command that makes sense was seen
	wrong int    // commands in a row that made none

	leaving atomic.Bool // bye was called: what is written now is the last
	once    sync.Once   // closes the connection

	mu   sync.Mutex // held while a reply is written; guards the fields below
	conn net.Conn   // tcp, or TLS on it. Read's goroutine alone changes it, and reads it without the lock
	said replyBuffer
}

var _ net.Conn = (*guard)(nil)

var (
	errForeign = errors.New("client does not speak FTP")
	errWrong   = errors.New("too many commands in a row that are none")
)

// maxWrong is how many commands in a row may be unknown or lack what they
// need. People guess, and clients try what a server can; programs that speak
// something else do not stop.
const maxWrong = 30

// Read blocks until there is a line for the library. Its error is always
// io.EOF: why the connection ends, the session knows.
func (g *guard) Read(p []byte) (n int, err error) {
	defer g.survive(func() { n, err = 0, io.EOF })
	for len(g.out) == 0 {
		line, err := g.next()
		if err == nil {
			err = g.obey(line)
		}
		if err != nil {
			g.session.lost(err)
			return 0, io.EOF
		}
	}
	n = copy(p, g.out)
	g.out = g.out[n:]
	return n, nil
}

// survive, deferred, keeps a mistake of ours, or of a hook, from ending the
// process with all other sessions: it ends this one, and then calls after.
func (g *guard) survive(after func()) {
	r := recover()
	if r == nil {
		return
	}
	s := g.session
	logger := s.server.Logger
	if logger == nil {
		logger = slog.Default()
	}
	logger.Error("panic in a session", "session", s.id, "remote", s.remote, "panic", r, "stack", string(debug.Stack()))
	s.cut(fmt.Errorf("panic: %v", r))
	after()
}

// next blocks until it is some command's turn, and returns its line.
func (g *guard) next() (string, error) {
	s := g.session
	s.rest()
	for {
		if held, ok := s.nextHeld(); ok {
			return held, nil
		}
		line, err := g.line()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if s.isIdle() {
				g.bye(say(421, "No command for too long"))
				return "", errIdle
			}
			continue // an operation has ended, or begun to be waited for
		case err == errLongLine:
			g.send(say(500, "Command line too long"))
			continue
		case err == errNUL:
			g.send(say(501, "NUL in the command line"))
			continue
		case err != nil:
			return "", err
		}
		if !g.known && isForeign(line) {
			g.bye(say(421, "This is FTP"))
			return "", errForeign
		}
		if !s.hold(line) {
			return line, nil
		}
	}
}

// line blocks until there is a whole line, or the deadline passes.
func (g *guard) line() (string, error) {
	for {
		line, ok, err := g.in.next()
		if ok {
			return line, err
		}
		n, err := g.conn.Read(g.in.room())
		g.in.add(n)
		if !g.known && g.in.isBinary() {
			return "", errForeign // TLS without being asked, as a rule
		}
		if err != nil && n == 0 {
			return "", err
		}
	}
}

// obey answers the command of a line, or puts it out for the library.
func (g *guard) obey(line string) error {
	s := g.session
	name, arg := splitLine(line)
	cmd, refusal := s.check(name, arg)
	if refusal.code != 0 {
		g.send(refusal)
		return g.count(refusal.code)
	}
	g.known, g.wrong = true, 0
	switch {
	case cmd.long:
		s.begin(name, arg)
		g.background(func() { g.finish(cmd.run(s, arg)) })
	case cmd.run != nil:
		g.send(cmd.run(s, arg))
	case cmd.open != nil:
		g.transfer(name, arg, cmd)
	default:
		g.deliver(name, arg, cmd)
	}
	s.previous = name
	return g.follow()
}

// background runs an operation that has begun on a goroutine of its own, which
// the session waits for.
func (g *guard) background(run func()) {
	g.session.enter()
	go func() {
		defer g.session.release()
		defer g.survive(func() {})
		run()
	}()
}

// hearAfter is how long a login may take before anybody listens to whether the
// client still waits for it. Most take less.
const hearAfter = 50 * time.Millisecond

// hearDuring calls f and hears meanwhile whether the client goes away, which
// ends the context of the session. What the client sends waits for its turn. It
// is called within Read.
func (g *guard) hearDuring(f func()) {
	_ = g.tcp.SetReadDeadline(time.Time{}) // until the next rest
	heard := make(chan struct{})
	timer := time.AfterFunc(hearAfter, func() {
		defer close(heard)
		g.hear()
	})
	defer func() {
		if !timer.Stop() {
			_ = g.tcp.SetReadDeadline(longAgo) // wakes it
			<-heard
		}
	}()
	f()
}

// hear reads until the deadline is moved, the client goes away, or has sent as
// much as there is room for.
func (g *guard) hear() {
	for g.in.have < maxLine {
		n, err := g.conn.Read(g.in.room())
		g.in.add(n)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return
		case err == io.EOF && !g.in.empty(): // it has closed its direction, and may wait for the answers
			return
		case err != nil:
			g.session.lost(err)
			return
		}
	}
}

// count ends a session that has said nothing but nonsense for a while.
func (g *guard) count(code int) error {
	if code/10 != 50 { // not the syntax
		return nil
	}
	if g.wrong++; g.wrong < maxWrong {
		return nil
	}
	g.bye(say(421, "Too many errors"))
	return errWrong
}

// deliver puts a command out for the library.
func (g *guard) deliver(name, arg string, cmd command) {
	line := name
	if arg != "" {
		line += " " + arg
	}
	if cmd.pass != nil {
		var refusal reply
		if line, refusal = cmd.pass(g.session, arg); refusal.code != 0 {
			g.send(refusal)
			return
		}
	}
	g.session.passed = name
	g.out = append(g.out[:0], line...)
	g.out = append(g.out, '\r', '\n')
}

// follow does what a command has asked for that can only be done once it is
// answered.
func (g *guard) follow() error {
	then := g.session.then
	g.session.then = nil
	if then == nil {
		return nil
	}
	return then(g)
}

// LocalAddr returns the address that the client has connected to.
func (g *guard) LocalAddr() net.Addr { return g.tcp.LocalAddr() }

// RemoteAddr returns the address of the client.
func (g *guard) RemoteAddr() net.Addr { return g.tcp.RemoteAddr() }

// SetDeadline does nothing: the guard knows when to lose patience.
func (g *guard) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (g *guard) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (g *guard) SetWriteDeadline(time.Time) error { return nil }
