package load

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A run is the state of Run. Its times count from its start.
type run struct {
	job        *Job
	target     *target
	refs       []reference   // of each URL
	content    []byte        // to upload
	connecting chan struct{} // a semaphore of clients that connect for the first time

	start    time.Time
	schedule *schedule // nil in a closed loop
	counters []counter // of each client
	tallies  []*tally  // clients share them

	phase atomic.Int32
	begin time.Duration // of the measurement: written before phase is measuring
	end   time.Duration // of the measurement: written before phase is over
	left  atomic.Int64  // requests until the measurement ends, if job.Requests > 0

	ended                    sync.Once
	over                     chan struct{} // closed when phase is over
	movedAtBegin, movedAtEnd int64         // bytes

	mu        sync.Mutex // guards the following field
	leftovers []string   // paths of uploads that may exist
}

const (
	warming int32 = iota
	measuring
	over
)

// newRun returns a run that has not sent a request yet.
func newRun(job *Job, t *target) *run {
	r := &run{
		job:        job,
		target:     t,
		connecting: make(chan struct{}, 64),
		counters:   make([]counter, job.Clients),
		over:       make(chan struct{}),
	}
	for range min(job.Clients, 4*runtime.GOMAXPROCS(0)) {
		r.tallies = append(r.tallies, newTally())
	}
	r.left.Store(job.Requests)
	if job.Rate > 0 {
		r.schedule = &schedule{rate: job.Rate}
	}
	if job.Kind == Upload {
		r.content = newContent()
	}
	return r
}

// do runs the job.
func (r *run) do(ctx context.Context) (*Result, error) {
	defer r.cleanUp(ctx)
	if err := r.probe(ctx); err != nil {
		return nil, err
	}
	r.start = time.Now()
	if r.job.Kind == Idle {
		return r.idle(ctx), nil
	}
	return r.measure(ctx), nil
}

func (r *run) now() time.Duration { return time.Since(r.start) }

// finish records a request that was due at a time and has ended now.
func (r *run) finish(c *counter, t *tally, due time.Duration, verified bool, err error) {
	now := r.now()
	if err == nil {
		c.requests.Add(1)
	} else {
		c.errors.Add(1)
	}
	switch r.phase.Load() {
	case measuring:
		if err == nil && r.job.Requests > 0 {
			left := r.left.Add(-1)
			if left < 0 {
				return // the measurement is about to end
			}
			if left == 0 {
				defer r.endMeasurement()
			}
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if err != nil {
			t.errors[kindOf(err)]++
			return
		}
		t.requests++
		t.recordLocked(now - due)
		if verified {
			t.verified++
		}
	case over:
		r.unfinished(t, due)
	}
}

// unfinished records a request that was due at a time and had not ended when the
// measurement ended. In a closed loop it does not count, because no time was set
// for it.
func (r *run) unfinished(t *tally, due time.Duration) {
	if r.schedule == nil || due >= r.end {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unfinished++
	t.recordLocked(r.end - due)
}

// moved returns how many bytes of bodies have moved since the start.
func (r *run) moved() (n int64) {
	for i := range r.counters {
		n += r.counters[i].bytes.Load()
	}
	return n
}

func (r *run) progress() Progress {
	p := Progress{Elapsed: r.now()}
	for i := range r.counters {
		c := &r.counters[i]
		p.Requests += c.requests.Load()
		p.Errors += c.errors.Load()
		p.Bytes += c.bytes.Load()
	}
	return p
}

// measure runs the clients and returns what they did between Begin and End. It
// returns when all have stopped.
func (r *run) measure(ctx context.Context) *Result {
	// The clients do not end with ctx, but after the measurement: requests that
	// are cut off then are not errors.
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	atOnce := r.job.Warmup == 0
	if atOnce {
		r.beginMeasurement() // before the first request
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.work(working)
	}()
	res := newResult()
	if atOnce || r.wait(ctx, r.job.Warmup, nil) {
		if !atOnce {
			r.beginMeasurement()
		}
		length := r.job.Duration
		if length == 0 {
			length = forever // until the requests are done
		}
		r.wait(ctx, length, r.over)
		r.endMeasurement()
		res.Elapsed, res.Bytes = r.end-r.begin, r.movedAtEnd-r.movedAtBegin
		call(r.job.End)
	}
	stop()
	<-stopped
	if r.schedule != nil {
		r.countNeverIssued()
	}
	for _, t := range r.tallies {
		t.addTo(res)
	}
	return res
}

func (r *run) beginMeasurement() {
	call(r.job.Begin)
	r.begin, r.movedAtBegin = r.now(), r.moved()
	r.phase.Store(measuring)
}

// endMeasurement is called when the time is over, or by the client with the last
// request.
func (r *run) endMeasurement() {
	r.ended.Do(func() {
		r.end, r.movedAtEnd = r.now(), r.moved()
		r.phase.Store(over)
		close(r.over)
	})
}

const forever time.Duration = 1<<63 - 1

// wait waits for d or until done is closed, and reports progress meanwhile. It
// returns false if ctx ends first.
func (r *run) wait(ctx context.Context, d time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-done:
			return true
		case <-tick.C:
			if r.job.Progress != nil {
				r.job.Progress(r.progress())
			}
		}
	}
}

func call(hook func()) {
	if hook != nil {
		hook()
	}
}
