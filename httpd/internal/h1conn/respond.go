package h1conn

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"
	"unsafe"

	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/account"
	"sluice/internal/budget"
	"sluice/internal/h1"
	"sluice/internal/live"
	"sluice/sendfile"
)

// response is the response that is being sent.
type response struct {
	length   int // of the head of the request
	status   int // zero: there is none
	res      sendfile.Result
	err      error
	transfer *live.Transfer // nil: it is small, and only counted
	limits   *netconn.Limits

	cached  plan.Lookup   // holds the file of a response from the cache
	planned plan.Response // holds what any other needs
	single  [1]plan.Piece // the body of a response from the cache
	body    plan.Body
	next    int             // body[next] is being sent
	done    int64           // bytes of that piece
	granted int64           // bytes of it that a limit allows, if it is in memory
	method  sendfile.Method // of the piece, if it is in memory
}

// answer answers the request that was parsed into the head, which is a view of the
// buffer: nothing may keep a part of it.
func (m *Machine) answer() {
	m.handler = m.server.Handler()
	path := m.head.Path
	isEncoded := strings.IndexByte(path, '%') >= 0
	if isEncoded {
		m.path = h1.AppendPath(m.path[:0], path)
		path = unsafe.String(unsafe.SliceData(m.path), len(m.path))
	}
	setRequest(&m.request, &m.head, path)
	planner := m.handler.Planner
	m.state = planning
	if !m.NoWait {
		m.found = planner.Lookup(&m.request, m.now)
		m.respondFromCache()
		return
	}
	var ok bool
	if m.found, ok = planner.LookupCached(&m.request, m.now); !ok || m.respondFromCache() {
		return
	}
	found := m.found
	m.found = plan.Lookup{}
	if pl, ok := planner.PlanCached(&m.request, found, m.now); ok {
		m.respond(m.server.Base, &pl)
	}
}

// respondFromCache answers with a head that was kept with the file that was found, and its
// body. It reports whether there is one.
func (m *Machine) respondFromCache() bool {
	head, body := m.found.KeptHead()
	if head == nil {
		return false
	}
	r := &m.response
	r.cached, m.found = m.found, plan.Lookup{}
	r.status = 200
	m.closes = m.head.Close || m.server.Closing.Load()
	m.out = append(m.out, *head...)
	m.endHead(true)
	m.state = recording
	if !m.head.Head {
		r.single[0] = body
		r.body = r.single[:]
		m.beginBody(body.Size())
	}
	return true
}

// respondByPlan plans a response, and makes it.
func (m *Machine) respondByPlan(ctx context.Context) {
	// From here on parts of the request may be kept, by the file system for example.
	in := unsafe.String(&m.in[m.from], m.response.length)
	isEncoded := strings.IndexByte(m.head.Path, '%') >= 0
	in = m.head.Detach(in)
	path := m.head.Path
	if isEncoded {
		path = string(m.path)
	}
	setRequest(&m.request, &m.head, path)
	m.request.Waits = new(budget.Tally)
	m.request.Client = account.NetworkOf(m.client().Addr())
	m.conn.Session().SetCommand(cutLine(in))
	defer m.conn.Session().SetCommand("")
	found := m.found
	m.found = plan.Lookup{}
	if m.handler.Planner.IsRemoteDir(path) { // most are listings, for which net/http would look at the same names again
		found.Release()
		m.end(HandOver)
		return
	}
	pl := m.handler.Planner.Plan(&m.request, found)
	if pl.Lengthy || pl.AsksLogin || pl.Streamed && !m.head.Head {
		// net/http notices when a client leaves while its response is made, sends
		// streams in chunks, and asks for passwords.
		pl.Release()
		m.end(HandOver)
		return
	}
	m.respond(ctx, &pl)
}

// respond makes the response of a plan.
func (m *Machine) respond(ctx context.Context, pl *plan.Plan) {
	r := &m.response
	r.planned = pl.Respond(ctx)
	r.status = r.planned.Status
	m.closes = m.head.Close || m.server.Closing.Load()
	begin := len(m.out)
	m.beginHead(&r.planned)
	pl.KeepHead(&r.planned, m.out[begin:])
	m.endHead(false)
	m.state = recording
	if !m.head.Head {
		r.body = r.planned.Body
		m.beginBody(r.body.Size())
	}
}

// beginBody registers the response as a transfer, unless it is small, and finds its
// limits.
func (m *Machine) beginBody(size int64) {
	r := &m.response
	if size > netconn.SmallBody {
		r.transfer = m.conn.Session().Begin(live.Job{
			Op: "GET", Path: m.request.Path, Size: size, Before: m.conn.Sent() + int64(len(m.out)),
		})
	}
	r.limits = m.handler.Limits.Begin(m.server.Base, size, r.transfer)
	m.state = sending
}

// add adds bytes that were sent from memory.
func (r *response) add(n int64, method sendfile.Method) {
	r.res.Sent += n
	if method != sendfile.Auto {
		r.res.Method = method
	}
	r.transfer.Add(sendfile.Result{Sent: n, Method: method})
}

// record counts the response and calls the hook. If there is a hook, out is sent first,
// so that the record says only what has happened.
func (m *Machine) record() {
	r := &m.response
	session, hook := m.conn.Session(), m.hook()
	wantsRecord := session.WantsRecord(hook)
	if wantsRecord && r.err == nil && len(m.out) > 0 {
		m.flush = flushAll
		return
	}
	res, err, status := r.res, r.err, r.status
	r.status = 0 // so that it is recorded once, also if a hook panics
	r.limits.Close(res.Sent)
	if !wantsRecord && r.transfer == nil {
		session.Count(m.now, res) // a Record would cost as much as everything else here
	} else {
		transfer := r.transfer
		r.transfer = nil
		rec := netconn.EndTransfer(session, transfer, m.now, res, err)
		if wantsRecord {
			describe(&rec, &m.head)
			rec.Remote = m.client()
			rec.Status, rec.Duration, rec.Reason = status, m.server.since(m.now), r.planned.Reason
			live.HeldBack(&rec, m.request.Waits)
		}
		report := m.server.Report
		switch {
		case !wantsRecord || !m.NoWait || report == nil:
			session.Report(&rec, hook)
		case !report(m.conn, rec, hook):
			m.unreported = &unreported{rec, hook}
		}
	}
	m.endResponse()
	switch {
	case err != nil:
		m.state, m.outcome = ending, Close
	case m.closes:
		m.end(Close)
	default:
		m.state = parsing
	}
	if m.unreported != nil {
		m.afterReport, m.state = m.state, reporting
	}
}

// unreported is a record for which Server.Report has no room.
type unreported struct {
	rec  live.Record
	hook func(live.Record)
}

// endResponse gives back what the response holds.
func (m *Machine) endResponse() {
	r := &m.response
	if r.next < len(r.body) {
		r.body[r.next].Close()
	}
	m.from += r.length
	if r.err != nil {
		if t, ok := errors.AsType[*sendfile.Error](r.err); ok && t.Side == sendfile.File {
			r.planned.Fail()
		}
	}
	r.cached.Release()
	r.planned.Release()
	m.ofBody = 0
	*r = response{}
}

// RecordPanic records the response under way, if there is one, when a hook or a Limiter
// has panicked.
func (m *Machine) RecordPanic() {
	if m.response.status == 0 {
		return
	}
	defer func() { _ = recover() }() // of the same hook, once more
	m.fail(netconn.ErrPanic)
	m.record()
}

// client returns the address of the client that has sent the request.
func (m *Machine) client() netip.AddrPort {
	if m.server.ClientOf == nil {
		return m.conn.Remote()
	}
	return m.server.ClientOf(m.conn.Remote(), linesOf(m.head.ForwardedFor), linesOf(m.head.Forwarded))
}

// describe adds to rec what the head of a request says.
func describe(rec *live.Record, head *h1.Head) {
	rec.Op, rec.Proto = methodOf(head), "HTTP/1.1"
	if head.Minor == 0 {
		rec.Proto = "HTTP/1.0"
	}
	rec.Target = strings.Clone(head.Target)
	rec.Referer, rec.UserAgent = strings.Clone(head.Referer), strings.Clone(head.UserAgent)
}

// hook returns the function to call with each record; nil: none.
func (m *Machine) hook() func(live.Record) {
	if own := m.handler.OnTransfer; own != nil {
		return own
	}
	return m.server.OnTransfer
}

// since returns the time that has passed since begin.
func (s *Server) since(begin time.Time) time.Duration {
	if s.Now != nil {
		return s.Now().Sub(begin)
	}
	return time.Since(begin)
}
