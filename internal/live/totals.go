package live

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"sluice/internal/status"
	"sluice/sendfile"
)

// totals are the counters of a protocol. Sessions that are still listed are not
// included.
type totals struct {
	connections, refused uint64
	requests             uint64
	sent, received       [methods]uint64 // bytes
}

// addCounts adds the counters of a session.
func (t *totals) addCounts(s *Session) {
	t.requests += s.requests.Load()
	t.sent[sendfile.Auto] += s.sent.auto.Load()
	t.sent[sendfile.Sendfile] += s.sent.sendfile.Load()
	t.sent[sendfile.Copy] += s.sent.copied.Load()
	d := s.details.Load()
	if d == nil {
		return
	}
	for method := range methods {
		t.sent[method] += d.sent[method].Load()
		t.received[method] += d.received[method].Load()
	}
}

// add adds other totals.
func (t *totals) add(o *totals) {
	t.requests += o.requests
	for method := range methods {
		t.sent[method] += o.sent[method]
		t.received[method] += o.received[method]
	}
}

// endedTransfers counts transfers that have ended.
type endedTransfers struct {
	mu sync.Mutex // guards the field below
	by map[endedKey]*endedSum
}

type endedKey struct {
	protocol Protocol
	upload   bool
	method   sendfile.Method
	outcome  Outcome
	cause    Cause
}

type endedSum struct {
	n, bytes uint64
	time     time.Duration
}

func (e *endedTransfers) add(r *Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := endedKey{r.Protocol, r.Upload, r.Method, r.Outcome, r.Cause}
	sum := e.by[key]
	if sum == nil {
		if e.by == nil {
			e.by = make(map[endedKey]*endedSum)
		}
		sum = new(endedSum)
		e.by[key] = sum
	}
	sum.n++
	sum.bytes += uint64(r.Sent)
	sum.time += r.Duration
}

// rows returns the counts in a fixed order.
func (e *endedTransfers) rows() []status.TransferTotal {
	e.mu.Lock()
	defer e.mu.Unlock()
	rows := make([]status.TransferTotal, 0, len(e.by))
	for key, sum := range e.by {
		rows = append(rows, status.TransferTotal{
			Protocol: key.protocol.String(), Direction: direction(key.upload), Method: methodOrEmpty(key.method),
			Result: key.outcome.String(), Cause: key.cause.nameOrEmpty(),
			Count: sum.n, Bytes: sum.bytes, Seconds: sum.time.Seconds(),
		})
	}
	slices.SortFunc(rows, func(a, b status.TransferTotal) int {
		return cmp.Or(
			cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Method, b.Method),
			cmp.Compare(a.Result, b.Result), cmp.Compare(a.Cause, b.Cause))
	})
	return rows
}

func direction(upload bool) string {
	if upload {
		return "in"
	}
	return "out"
}

// methodOrEmpty returns the name of a method, or "" for bytes that came from no
// file.
func methodOrEmpty(r sendfile.Method) string {
	if r == sendfile.Auto {
		return ""
	}
	return r.String()
}
