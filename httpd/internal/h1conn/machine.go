package h1conn

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"time"
	"unsafe"

	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/h1"
	"sluice/internal/live"
	"sluice/internal/residence"
	"sluice/sendfile"
)

// A Machine answers the requests of a connection, without I/O: it takes the bytes that
// have come, and says what is to be done next. It is for one goroutine at a time.
//
// A driver puts bytes into Buffer, calls Received, and then carries out what Next says
// until that is Read. A Machine that IsIdle has nothing of its connection, and may be
// attached to another one.
type Machine struct {
	server *Server
	conn   *netconn.Conn // who the client is; the Machine does no I/O on it

	// NoWait makes Next return Work rather than wait for a disk. Without it only the
	// making of a response is Work.
	NoWait bool

	in       [h1.MaxSize]byte
	from, to int       // in[from:to] was read and is not answered
	parsed   int       // in[from:parsed] is known not to be a whole head
	now      time.Time // when the last bytes came
	since    time.Time // when the first bytes of a head came that is not whole yet

	out     []byte // responses that are not sent yet
	outFrom int    // out[:outFrom] was sent
	ofBody  int    // the last bytes of out are so many of the body of the present response
	flush   flush  // whether out must be sent before anything else

	state   state
	outcome Do   // HandOver, Refuse or Close, if the state is ending
	closes  bool // the connection ends after the present response

	head     h1.Head
	path     []byte // of the request, decoded
	request  plan.Request
	handler  *Handler
	found    plan.Lookup // for Work, which plans
	response response
	action   Action

	unreported  *unreported // nil: none
	afterReport state       // if the state is reporting
}

// outSize is room for a small file, or for the responses to some pipelined requests.
const outSize = 16 << 10

var machines = sync.Pool{New: func() any {
	return &Machine{out: make([]byte, 0, outSize), path: make([]byte, 0, 256)}
}}

// parse is a variable for the tests.
var parse = h1.Parse

// Do is what a driver does next.
type Do uint8

// The actions of a driver, and what it calls then.
const (
	Read     Do = iota // wait for bytes, put them into Buffer, and call Received
	Send               // send Data, and call Sent
	SendFile           // send a part of File, and call Sent
	Work               // call Machine.Work, which may wait for a disk, a limit or a hook
	HandOver           // give the connection and Rest to net/http, and the Machine back
	Close              // close the connection, and give the Machine back
)

// Action is what a driver does next. It is valid until the next call of the Machine.
type Action struct {
	Do   Do
	More bool   // of Send: the last packet may wait, because more follows at once
	Data []byte // of Send

	// Of SendFile: N bytes of File from Off on. They are subject to Limits, and Where
	// says what reading them may wait for.
	File   io.ReaderAt
	Off, N int64
	Where  residence.Residence
}

type flush uint8

const (
	noFlush   flush = iota
	flushMore       // the rest of the response follows
	flushAll
)

type state uint8

const (
	reading   state = iota // it needs more bytes
	parsing                // in has something
	planning               // Work makes the response
	preparing              // Work makes or opens the next piece of the body
	limited                // Work waits until a part of the piece may be sent
	sending                // the body
	recording              // the response has ended
	refusing               // Work calls Server.Refused
	reporting              // Work calls the hook
	ending                 // outcome follows when out is sent
)

// NewMachine returns a Machine for a connection that has a session, if it is in a
// registry.
func NewMachine(s *Server, c *netconn.Conn) *Machine {
	m := machines.Get().(*Machine)
	m.Attach(s, c)
	return m
}

// Attach makes an idle Machine serve another connection.
func (m *Machine) Attach(s *Server, c *netconn.Conn) { m.server, m.conn = s, c }

// Release gives back the Machine, and what the present response holds.
func (m *Machine) Release() {
	m.endResponse()
	m.found.Release()
	m.found = plan.Lookup{}
	m.from, m.to, m.parsed, m.out = 0, 0, 0, m.out[:0]
	m.outFrom, m.ofBody, m.flush, m.state, m.NoWait = 0, 0, noFlush, reading, false
	m.head, m.request, m.action, m.unreported = h1.Head{}, plan.Request{}, Action{}, nil
	m.server, m.conn, m.handler = nil, nil, nil
	machines.Put(m)
}

// IsIdle reports whether nothing of a request has come that is not answered.
func (m *Machine) IsIdle() bool { return m.state == reading && m.to == 0 }

// HeadSince returns when the first bytes of a head have come that is not whole yet. It
// is for a Machine that waits for bytes and is not idle.
func (m *Machine) HeadSince() time.Time { return m.since }

// Buffer returns the room for the next bytes. It is not empty if Next has said Read.
func (m *Machine) Buffer() []byte { return m.in[m.to:] }

// Received says that n bytes have come, which are in Buffer.
func (m *Machine) Received(n int, now time.Time) {
	m.now = now
	m.to += n
	if m.parsed > 0 && m.to < len(m.in) && bytes.IndexByte(m.in[m.parsed:m.to], '\n') < 0 {
		m.parsed = m.to // the head cannot end here; a client that sends byte by byte must not cost a parse each
		return
	}
	m.state = parsing
}

// Rest returns a copy of the bytes that came and were not answered, for net/http.
func (m *Machine) Rest() []byte {
	if m.from == m.to {
		return nil
	}
	return bytes.Clone(m.in[m.from:m.to])
}

// Next returns what to do next. The driver does that before it calls Next again.
func (m *Machine) Next() *Action {
	for {
		if m.flush != noFlush {
			if len(m.out) > 0 {
				m.action = Action{Do: Send, Data: m.out[m.outFrom:], More: m.flush == flushMore}
				return &m.action
			}
			m.flush = noFlush
		}
		switch m.state {
		case reading:
			return m.do(Read)
		case parsing:
			m.nextRequest()
		case planning, preparing, limited, refusing, reporting:
			return m.do(Work)
		case sending:
			if m.nextPart() {
				return &m.action
			}
		case recording:
			m.record()
		case ending:
			return m.do(m.outcome)
		}
	}
}

func (m *Machine) do(do Do) *Action {
	m.action = Action{Do: do}
	return &m.action
}

// Sent says how much of the Data or of the File of the present action was sent, and the
// error that has ended that. The rest is a part of the next action.
func (m *Machine) Sent(res sendfile.Result, err error) {
	r := &m.response
	switch {
	case m.flush != noFlush:
		m.outFrom += int(res.Sent)
		if m.outFrom == len(m.out) {
			m.out, m.outFrom, m.ofBody = m.out[:0], 0, 0
		}
	case m.action.Do == SendFile:
		netconn.AddResult(&r.res, res)
		r.done += res.Sent
	default:
		r.add(res.Sent, r.method)
		r.done += res.Sent
		r.granted -= res.Sent
	}
	if err != nil {
		m.fail(err)
	}
}

// fail ends the connection, because bytes could not be sent, or not made.
func (m *Machine) fail(err error) {
	unsent := int64(len(m.out) - m.outFrom)
	m.out, m.outFrom, m.flush = m.out[:0], 0, noFlush
	m.outcome = Close
	if m.response.status == 0 {
		m.state = ending
		return
	}
	m.response.err = err
	m.response.res.Sent -= min(unsent, int64(m.ofBody))
	m.ofBody = 0
	m.state = recording
}

// Work does what may wait. ctx ends the wait for a limit, and the making of content.
func (m *Machine) Work(ctx context.Context) {
	switch m.state {
	case planning:
		m.respondByPlan(ctx)
	case preparing:
		if err := m.piece().Prepare(ctx); err != nil {
			m.fail(err)
			return
		}
		m.state = sending
	case limited:
		n, err := m.response.limits.Take(int(m.piece().Size() - m.response.done))
		if err != nil {
			m.fail(err)
			return
		}
		m.response.granted, m.state = int64(n), sending
	case reporting:
		u := m.unreported
		m.state, m.unreported = m.afterReport, nil
		m.conn.Session().Report(&u.rec, u.hook)
	case refusing:
		m.state, m.outcome = ending, Close
		m.server.Refused(m.conn, netconn.FirstLine(m.in[m.from:m.to]), refusal400)
		m.conn.Linger()
	}
}

// nextRequest begins to answer the next request that was read.
func (m *Machine) nextRequest() {
	if m.from == m.to {
		m.from, m.to, m.parsed = 0, 0, 0
		m.state, m.flush = reading, flushAll
		return
	}
	// A view of the buffer, of which no part may be kept.
	in := unsafe.String(&m.in[m.from], m.to-m.from)
	n, verdict := parse(in, &m.head)
	switch verdict {
	case h1.Incomplete:
		if m.parsed == 0 {
			m.since = m.now
		}
		m.to = copy(m.in[:], m.in[m.from:m.to])
		m.from, m.parsed = 0, m.to
		m.state, m.flush = reading, flushAll
		return
	case h1.Other:
		m.end(HandOver)
		return
	case h1.Conflict:
		m.out = append(m.out, refusal400...)
		m.state, m.flush = refusing, flushAll
		return
	}
	m.parsed = 0
	s := m.server
	if s.Logins && m.head.HasAuthorization || s.hasSession(m.head.Cookie) ||
		s.Admits != nil && !s.Admits(m.client().Addr()) {
		m.end(HandOver)
		return
	}
	m.response.length = n
	m.answer()
}

var refusal400 = Refusal(400)

// end ends the service of the connection when what is in out was sent.
func (m *Machine) end(outcome Do) { m.state, m.outcome, m.flush = ending, outcome, flushAll }

// nextPart makes the action that sends the next part of the body, or changes the state.
func (m *Machine) nextPart() bool {
	r := &m.response
	if r.next == len(r.body) {
		m.state = recording
		return false
	}
	p := m.piece()
	size := p.Size()
	if r.done == size {
		p.Close()
		r.next, r.done, r.granted = r.next+1, 0, 0
		return false
	}
	if f, off, n, where, ok := p.FilePart(); ok {
		if len(m.out) > 0 && r.done == 0 {
			m.flush = flushMore
			return false
		}
		m.action = Action{Do: SendFile, File: f, Off: off + r.done, N: n - r.done, Where: where}
		return true
	}
	data, isFile, ok := p.Bytes()
	if !ok {
		m.state = preparing
		return false
	}
	r.method = sendfile.Auto
	if isFile {
		r.method = sendfile.Copy
	}
	data = data[r.done:]
	if r.limits != nil {
		if r.granted == 0 {
			m.state = limited
			return false
		}
		data = data[:r.granted]
	}
	if len(m.out)+len(data) <= cap(m.out) {
		m.out = append(m.out, data...)
		m.ofBody += len(data)
		r.add(int64(len(data)), r.method)
		r.done += int64(len(data))
		r.granted = 0
		return false
	}
	if len(m.out) > 0 {
		m.flush = flushMore
		return false
	}
	m.action = Action{Do: Send, Data: data}
	return true
}

// piece returns the piece of the body that is sent now.
func (m *Machine) piece() *plan.Piece { return &m.response.body[m.response.next] }

// Left returns how much of a file is left to send, if that is the present action.
func (m *Machine) Left() int64 {
	if m.action.Do != SendFile {
		return 0
	}
	return m.action.N
}

// Limits returns the limits of the present response; nil: none.
func (m *Machine) Limits() *netconn.Limits { return m.response.limits }

// Transfer returns the transfer of the present response; nil: it is small.
func (m *Machine) Transfer() *live.Transfer { return m.response.transfer }

// Disk returns what admits calls for the File of the present action, which may hang.
func (m *Machine) Disk() sendfile.Admission {
	if disk := m.piece().Disk(); disk != nil {
		return disk
	}
	return m.handler.Planner.DiskOf(m.action.File)
}

// Method returns how files are sent.
func (m *Machine) Method() sendfile.Method { return m.handler.Method }

// linesOf returns the lines of a field that is there at most once.
func linesOf(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// cutLine returns the request line without the version.
func cutLine(in string) string {
	line, _, _ := strings.Cut(in, " HTTP/")
	return line
}
