package live

import (
	"time"

	"sluice/metrics"
	"sluice/sendfile"
)

// Record is what became of a transfer.
type Record struct {
	Protocol Protocol
	Op       string
	Upload   bool

	sendfile.Result
	Duration time.Duration
	Outcome  Outcome
	Cause    Cause // over all of it

	// Of the connection, by its last sample.
	RTT         time.Duration // smoothed round trip; 0: not told
	Retransmits int64         // segments sent again meanwhile; negative: not told
}

// End tells that the transfer is over, and what it has moved in all. It takes
// a last sample: call it before the connection is closed, and t not any more
// after it. The Record of a nil Transfer has the Result and nothing else that is
// known.
func (t *Transfer) End(res sendfile.Result, err error) Record {
	rec := Record{Result: res, Outcome: outcomeOf(err), Retransmits: -1}
	if t == nil {
		return rec
	}
	s := t.session
	r := s.registry
	now := time.Now()
	s.touched.Store(now.UnixNano())
	rec.Protocol, rec.Op, rec.Upload, rec.Duration = s.entered, t.job.Op, t.job.Upload, now.Sub(t.begun)

	s.mu.Lock()
	t.sampleEndLocked(now, rec.Duration)
	t.tellLocked(&rec)
	if s.killed && err != nil {
		rec.Outcome = Cut
	}
	s.unlinkLocked(t)
	t.count(res.Sent, res.Method)
	last := s.left && s.first == nil
	s.mu.Unlock()

	r.running.Add(-1)
	if last {
		r.mu.Lock()
		r.forgetLocked(s)
		r.mu.Unlock()
	}
	r.endings.add(&rec)
	if r.OnTransfer != nil {
		r.OnTransfer(rec)
	}
	t.reset()
	transfers.Put(t)
	return rec
}

// sampleEndLocked takes the last sample. One that was done at once has the
// last of its connection, if that is fresh: what it has sent is still under way.
func (t *Transfer) sampleEndLocked(now time.Time, at time.Duration) {
	t.tapLocked()
	if at < briefly && t.tap.hasSample(now, sampleEvery) || t.tap.sample() {
		t.keepLocked(at)
	}
}

// tellLocked fills in what samples and clocks tell.
func (t *Transfer) tellLocked(rec *Record) {
	rec.Cause = t.causeLocked(rec.Duration)
	if !t.sampled {
		return
	}
	if t.last.Have.Has(metrics.TCPRTT) {
		rec.RTT = t.last.RTT
	}
	rec.Retransmits = t.retransmitsLocked()
}

// causeLocked tells what held back all of a transfer that took so long.
func (t *Transfer) causeLocked(took time.Duration) Cause {
	w := t.waitsUntil(took)
	if t.job.Upload {
		return w.ofUpload()
	}
	if t.sampled {
		c := Cause(metrics.Limit(&t.base, &t.last)).orRateLimit(w.limit, t.last.At.Sub(t.base.At))
		if c != Unknown {
			return c
		}
	}
	return t.cause.orRateLimit(w.limit, took) // Unknown, if there was no sample
}

// retransmitsLocked takes two samples, or one if there was nothing before.
func (t *Transfer) retransmitsLocked() int64 {
	switch {
	case !t.last.Have.Has(metrics.TCPRetransmits):
	case t.last.At.After(t.base.At):
		return int64(t.last.Retransmits - t.base.Retransmits)
	case t.job.Before == 0:
		return int64(t.last.Retransmits)
	}
	return -1
}

// reset forgets all but what the next transfer can use.
func (t *Transfer) reset() {
	const longest = 4 << 10 // path that is kept
	path, hook := t.path[:0], t.hook
	if cap(path) > longest {
		path = nil
	}
	t.session, t.job, t.conn, t.tap, t.path, t.hook = nil, Job{}, nil, nil, path, hook
	t.done = 0
	t.total.Store(0)
	t.method.Store(0)
	t.progress.Store(0)
	t.noted.Store(0)
	t.limit.v.Store(0)
	t.idle.v.Store(0)
	t.sampled, t.cause, t.waited = false, Unknown, waits{}
}
