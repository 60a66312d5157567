package live

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"sluice/internal/status"
	"sluice/sendfile"
)

// totals is what was counted of a protocol, apart from the sessions that there
// are.
type totals struct {
	connections, refused uint64
	requests             uint64
	sent, received       [methods]uint64 // bytes
}

// addCounts adds what a session has counted.
func (t *totals) addCounts(c *counts) {
	t.requests += c.requests.Load()
	for method := range methods {
		t.sent[method] += c.sent[method].Load()
		t.received[method] += c.received[method].Load()
	}
}

// add adds what others add up to.
func (t *totals) add(o *totals) {
	t.requests += o.requests
	for method := range methods {
		t.sent[method] += o.sent[method]
		t.received[method] += o.received[method]
	}
}

// endings counts the transfers that have ended.
type endings struct {
	mu sync.Mutex // guards the field below
	by map[ending]*ended
}

type ending struct {
	protocol Protocol
	upload   bool
	method   sendfile.Method
	outcome  Outcome
	cause    Cause
}

type ended struct {
	n, bytes uint64
	time     time.Duration
}

func (e *endings) add(r *Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := ending{r.Protocol, r.Upload, r.Method, r.Outcome, r.Cause}
	sum := e.by[key]
	if sum == nil {
		if e.by == nil {
			e.by = make(map[ending]*ended)
		}
		sum = new(ended)
		e.by[key] = sum
	}
	sum.n++
	sum.bytes += uint64(r.Sent)
	sum.time += r.Duration
}

// rows returns them in an order that stays.
func (e *endings) rows() []status.TransferTotal {
	e.mu.Lock()
	defer e.mu.Unlock()
	rows := make([]status.TransferTotal, 0, len(e.by))
	for key, sum := range e.by {
		rows = append(rows, status.TransferTotal{
			Protocol: key.protocol.String(), Direction: direction(key.upload), Method: methodName(key.method),
			Result: key.outcome.String(), Cause: key.cause.name(),
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

// methodName is what is shown of a method: nothing for bytes that are no file's.
func methodName(r sendfile.Method) string {
	if r == sendfile.Auto {
		return ""
	}
	return r.String()
}
