package httpd

import (
	"io"
	"net/http"
	"strings"
	"time"
	"unsafe"

	"sluice/httpd/internal/plan"
	"sluice/internal/h1"
	"sluice/internal/live"
	"sluice/sendfile"
)

// answer answers the request in, which the desk's head takes apart. Nothing
// may keep in.
func (l *lane) answer(in string) next {
	l.files = l.server.files.Load()
	d, h := l.desk, l.files
	path := d.head.Path
	isEncoded := strings.IndexByte(path, '%') >= 0
	if isEncoded {
		d.path = h1.AppendPath(d.path[:0], path)
		path = unsafe.String(unsafe.SliceData(d.path), len(d.path))
	}
	planner := h.plans()
	request := requestOfHead(&d.head, path)
	found := planner.Lookup(&request, l.now)
	if head, body := found.KeptHead(); head != nil {
		defer found.Release()
		return l.answerKept(*head, &body, path)
	}

	// From here on parts of the request may be kept, by the file system for example.
	in = d.head.Detach(in)
	if isEncoded {
		path = strings.Clone(path)
	} else {
		path = d.head.Path
	}
	request = requestOfHead(&d.head, path)
	line, _, _ := strings.Cut(in, " HTTP/")
	l.wire.live.SetCommand(line)
	defer l.wire.live.SetCommand("")
	return l.answerPlanned(planner, &request, found)
}

// answerKept answers with a body of which the head is known. The body is the file
// at path.
func (l *lane) answerKept(head string, body *plan.Piece, path string) next {
	d := l.desk
	n := stay
	if l.closes(&d.head) {
		n = end
	}
	d.out = append(d.out, head...)
	l.endHead(n, true)
	t := &l.told
	*t = told{status: http.StatusOK}
	if !d.head.Head {
		l.begin(t, path, body.Size())
		t.err = body.WriteTo(l.server.base, (*laneSink)(l))
	}
	return l.tell(&d.head, n)
}

// begin makes a response one that is seen while it is sent, unless it is small,
// and finds the limits that hold for it.
func (l *lane) begin(t *told, path string, size int64) {
	if size > smallBody {
		t.transfer = l.wire.live.Begin(live.Job{
			Op: http.MethodGet, Path: path, Size: size, Before: l.wire.sent.Load() + int64(len(l.desk.out)),
		})
	}
	t.limits = l.files.limit(l.server.base, size, t.transfer)
}

// answerPlanned answers a request by the plan.
func (l *lane) answerPlanned(planner *plan.Planner, request *plan.Request, found plan.Lookup) next {
	s, d := l.server, l.desk
	pl := planner.Plan(request, found)
	if pl.Lengthy || pl.Streamed && !d.head.Head {
		// net/http sees when a client is gone while a response is made, and sends a
		// stream in chunks.
		pl.Release()
		return handOver
	}
	resp := pl.Respond(s.base)
	defer resp.Release()

	n := stay
	if l.closes(&d.head) {
		n = end
	}
	begin := len(d.out)
	l.beginHead(&resp)
	pl.KeepHead(&resp, d.out[begin:])
	l.endHead(n, false)
	t := &l.told
	*t = told{status: resp.Status}
	if !d.head.Head {
		l.begin(t, request.Path, resp.Body.Size())
		t.err = resp.Body.WriteTo(s.base, (*laneSink)(l))
	}
	return l.tell(&d.head, n)
}

// closes reports whether the connection ends with the response.
func (l *lane) closes(head *h1.Head) bool { return head.Close || l.server.closing.Load() }

// laneSink sends a body behind what is in out.
type laneSink lane

// Write implements plan.Sink.
func (s *laneSink) Write(p []byte) (int, error) {
	l := (*lane)(s)
	if err := l.sendBytes(p, sendfile.Auto, &l.told); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteFile implements plan.Sink.
func (s *laneSink) WriteFile(content []byte) error {
	l := (*lane)(s)
	return l.sendBytes(content, sendfile.Copy, &l.told)
}

// SendFile implements plan.Sink.
func (s *laneSink) SendFile(f io.ReaderAt, off, n int64) error {
	l := (*lane)(s)
	return l.sendFile(f, off, n, &l.told)
}

// StopClock implements plan.Sink. No timeout runs while nothing is sent.
func (s *laneSink) StopClock() {}

// sendBytes puts p behind what is in out, and sends both if they do not fit.
func (l *lane) sendBytes(p []byte, method sendfile.Method, t *told) error {
	d := l.desk
	for {
		n, err := t.limits.take(len(p))
		if err != nil {
			return err
		}
		if n == len(p) && len(d.out)+n <= cap(d.out) {
			d.out = append(d.out, p...)
			t.add(int64(n), method)
			return nil
		}
		if _, err := l.flush(true); err != nil {
			return err
		}
		sent, err := l.write(p[:n], false)
		t.add(sent, method)
		if p = p[n:]; err != nil || len(p) == 0 {
			return err
		}
	}
}

// sendFile sends the part of a file behind what is in out.
func (l *lane) sendFile(f io.ReaderAt, off, n int64, t *told) error {
	if _, err := l.flush(joins(int64(len(l.desk.out)), n)); err != nil {
		return err
	}
	s := l.server
	sent, err := l.wire.sendFile(f, off, n, sendfile.Options{
		Timeout: s.stallTimeout(), Method: l.files.method(), Wait: t.limits.hook(),
	}, t.transfer)
	addResult(&t.res, sent)
	return err
}

// joins reports whether a head had better wait for the n bytes behind it. The
// system hands over 64 KiB at a time, and a head that makes one more of them
// necessary costs more than a packet of its own: under BBR it is sent when a
// timer says so.
func joins(head, n int64) bool {
	const most = 64 << 10
	return (n-1)%most+1+head <= most
}

// flush sends what is in out. It returns how much of that was not sent. If
// more follows at once, the last packet may wait for it.
func (l *lane) flush(more bool) (unsent int64, err error) {
	d := l.desk
	if len(d.out) == 0 {
		return 0, nil
	}
	n, err := l.write(d.out, more)
	unsent = int64(len(d.out)) - n
	d.out = d.out[:0]
	return unsent, err
}

// write sends p and returns how much of it was sent.
func (l *lane) write(p []byte, more bool) (int64, error) {
	res, err := l.wire.sendBytes(p, sendfile.Options{Timeout: l.server.stallTimeout(), More: more})
	return res.Sent, err
}

// told is what an answer tells of itself.
type told struct {
	status   int // zero: there is no answer under way
	res      sendfile.Result
	err      error
	transfer *live.Transfer // nil: the response is small
	limits   *limits
}

// add adds bytes that came from memory.
func (t *told) add(n int64, method sendfile.Method) {
	t.res.Sent += n
	if method != sendfile.Auto {
		t.res.Method = method
	}
	t.transfer.Add(sendfile.Result{Sent: n, Method: method})
}

// tell counts the answer, reports it, if anybody listens, and returns what
// becomes of the connection. What is reported has happened: nothing waits in out
// then.
func (l *lane) tell(head *h1.Head, n next) next {
	t := l.told
	l.told = told{} // so that this is done once, also if it panics
	session, hook := l.wire.live, l.hook()
	heard := session.IsHeard(hook)
	if heard && t.err == nil {
		var unsent int64
		unsent, t.err = l.flush(false)
		t.res.Sent = max(t.res.Sent-unsent, 0)
	}
	t.limits.close(t.res.Sent)
	if !heard && t.transfer == nil {
		session.Count(l.now, t.res) // a Record would cost as much as all else here
	} else {
		rec := account(session, t.transfer, l.now, t.res, t.err)
		if heard {
			describe(&rec, head)
			rec.Remote = l.server.clientOf(live.AddrPortOf(l.wire.remote), fieldOf(head.ForwardedFor), fieldOf(head.Forwarded))
			rec.Status, rec.Duration = t.status, time.Since(l.now)
		}
		session.Report(&rec, hook)
	}
	if t.err != nil {
		l.desk.out = l.desk.out[:0]
		return end
	}
	return n
}

// fieldOf returns the lines of a field that is there once, if it is.
func fieldOf(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// describe adds to rec what the head of a request says.
func describe(rec *live.Record, head *h1.Head) {
	rec.Op, rec.Proto = http.MethodGet, "HTTP/1.1"
	if head.Head {
		rec.Op = http.MethodHead
	}
	if head.Minor == 0 {
		rec.Proto = "HTTP/1.0"
	}
	rec.Target = strings.Clone(head.Target)
	rec.Referer, rec.UserAgent = strings.Clone(head.Referer), strings.Clone(head.UserAgent)
}

// hook is what is called with each Transfer; nil: nothing.
func (l *lane) hook() func(Transfer) {
	if own := l.files.OnTransfer; own != nil {
		return own
	}
	return l.server.OnTransfer
}
