package h1conn

import (
	"net/netip"
	"strings"
	"time"
	"unsafe"

	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/h1"
	"sluice/internal/live"
	"sluice/sendfile"
)

// answer answers the request in, which was parsed into the head. in is a view of the
// buffer: nothing may keep a part of it.
func (c *conn) answer(in string) next {
	b := c.buffers
	c.handler = c.server.Handler()
	path := b.head.Path
	isEncoded := strings.IndexByte(path, '%') >= 0
	if isEncoded {
		b.path = h1.AppendPath(b.path[:0], path)
		path = unsafe.String(unsafe.SliceData(b.path), len(b.path))
	}
	b.request = requestOf(&b.head, path)
	found := c.handler.Planner.Lookup(&b.request, c.now)
	if head, body := found.KeptHead(); head != nil {
		defer found.Release()
		return c.respondFromCache(*head, &body)
	}

	// From here on parts of the request may be kept, by the file system for example.
	in = b.head.Detach(in)
	if isEncoded {
		path = strings.Clone(path)
	} else {
		path = b.head.Path
	}
	b.request = requestOf(&b.head, path)
	line, _, _ := strings.Cut(in, " HTTP/")
	c.net.Session().SetCommand(line)
	defer c.net.Session().SetCommand("")
	return c.respondByPlan(found)
}

// respondFromCache answers with a head that was kept, and its body.
func (c *conn) respondFromCache(head string, body *plan.Piece) next {
	b := c.buffers
	n := c.afterResponse()
	b.out = append(b.out, head...)
	c.endHead(n, true)
	c.response = response{status: 200}
	if !b.head.Head {
		c.begin(body.Size())
		c.response.err = body.WriteTo(c.server.Base, (*sink)(c))
	}
	return c.record(&b.head, n)
}

// respondByPlan plans and sends a response.
func (c *conn) respondByPlan(found plan.Lookup) next {
	b := c.buffers
	pl := c.handler.Planner.Plan(&b.request, found)
	if pl.Lengthy || pl.AsksLogin || pl.Streamed && !b.head.Head {
		// net/http notices when a client leaves while its response is made, sends
		// streams in chunks, and asks for passwords.
		pl.Release()
		return handOver
	}
	resp := pl.Respond(c.server.Base)
	defer resp.Release()

	n := c.afterResponse()
	begin := len(b.out)
	c.beginHead(&resp)
	pl.KeepHead(&resp, b.out[begin:])
	c.endHead(n, false)
	c.response = response{status: resp.Status}
	if !b.head.Head {
		c.begin(resp.Body.Size())
		c.response.err = resp.Body.WriteTo(c.server.Base, (*sink)(c))
	}
	return c.record(&b.head, n)
}

// afterResponse returns what becomes of the connection after the response.
func (c *conn) afterResponse() next {
	if c.buffers.head.Close || c.server.Closing.Load() {
		return end
	}
	return stay
}

// response is the response that is being sent.
type response struct {
	status   int // zero: there is none
	res      sendfile.Result
	err      error
	transfer *live.Transfer // nil: it is small, and only counted
	limits   *netconn.Limits
}

// begin registers the response as a transfer, unless it is small, and finds its
// limits.
func (c *conn) begin(size int64) {
	r := &c.response
	if size > netconn.SmallBody {
		r.transfer = c.net.Session().Begin(live.Job{
			Op: "GET", Path: c.buffers.request.Path, Size: size, Before: c.net.Sent() + int64(len(c.buffers.out)),
		})
	}
	r.limits = c.handler.Limits.Begin(c.server.Base, size, r.transfer)
}

// add adds bytes that were sent from memory.
func (r *response) add(n int64, method sendfile.Method) {
	r.res.Sent += n
	if method != sendfile.Auto {
		r.res.Method = method
	}
	r.transfer.Add(sendfile.Result{Sent: n, Method: method})
}

// record counts the response and calls the hook, and returns what becomes of the
// connection. If there is a hook, out is sent first, so that the record says only
// what has happened.
func (c *conn) record(head *h1.Head, n next) next {
	r := c.response
	c.response = response{} // so that it is recorded once, also if a hook panics
	session, hook := c.net.Session(), c.hook()
	wantsRecord := session.WantsRecord(hook)
	if wantsRecord && r.err == nil {
		var unsent int64
		unsent, r.err = c.flush(false)
		r.res.Sent = max(r.res.Sent-unsent, 0)
	}
	r.limits.Close(r.res.Sent)
	if !wantsRecord && r.transfer == nil {
		session.Count(c.now, r.res) // a Record would cost as much as everything else here
	} else {
		rec := netconn.EndTransfer(session, r.transfer, c.now, r.res, r.err)
		if wantsRecord {
			describe(&rec, head)
			rec.Remote = c.clientOf(head)
			rec.Status, rec.Duration = r.status, time.Since(c.now)
		}
		session.Report(&rec, hook)
	}
	if r.err != nil {
		c.buffers.out = c.buffers.out[:0]
		return end
	}
	return n
}

func (c *conn) clientOf(head *h1.Head) netip.AddrPort {
	return c.server.ClientOf(live.AddrPortOf(c.net.RemoteAddr()), linesOf(head.ForwardedFor), linesOf(head.Forwarded))
}

// linesOf returns the lines of a field that is there at most once.
func linesOf(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
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
func (c *conn) hook() func(live.Record) {
	if own := c.handler.OnTransfer; own != nil {
		return own
	}
	return c.server.OnTransfer
}
