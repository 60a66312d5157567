package load

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// A worker is a client with what it needs to know what to do, and to give
// account of it.
type worker struct {
	run     *run
	client  client
	counter *counter
	tally   *tally

	number  int
	turn    int      // the URL that is next
	names   []string // for each URL, where to store; made when first needed
	share   float64  // of a response that is due to be verified
	digest  *digest
	request request
}

// newWorker returns client number i.
func (r *run) newWorker(i int) *worker {
	w := &worker{
		run:     r,
		counter: &r.counters[i],
		tally:   r.tallies[i%len(r.tallies)],
		number:  i,
		turn:    i % len(r.target.urls),
		names:   make([]string, len(r.target.urls)),
		share:   rand.Float64(),
		digest:  newDigest(0),
	}
	w.client = newClient(r.job, r.target, &w.counter.bytes)
	return w
}

// work lets all clients work until ctx ends.
func (r *run) work(ctx context.Context) {
	var tickets chan time.Duration // nil in a closed loop
	var all sync.WaitGroup
	if r.schedule != nil {
		tickets = make(chan time.Duration)
		all.Go(func() { r.issue(ctx, tickets) })
	}
	for i := range r.counters {
		w := r.newWorker(i)
		all.Go(func() { w.work(ctx, tickets) })
	}
	all.Wait()
}

// work does requests until ctx ends.
func (w *worker) work(ctx context.Context, tickets <-chan time.Duration) {
	defer w.client.close()
	failures := 0
	if !w.run.job.connectsEachTime() {
		if due, err := w.arrive(ctx); err != nil && ctx.Err() == nil {
			w.run.finish(w.counter, w.tally, due, false, err)
			failures++
		}
	}
	for pause(ctx, failures) {
		due := w.run.now()
		if tickets != nil {
			select {
			case due = <-tickets:
			case <-ctx.Done():
				return
			}
		}
		verified, err := w.once(ctx)
		if ctx.Err() != nil {
			w.run.unfinished(w.tally, due)
			return
		}
		w.run.finish(w.counter, w.tally, due, verified, err)
		if err != nil {
			failures++
		} else {
			failures = 0
		}
		if err != nil || w.run.job.connectsEachTime() {
			w.client.close()
		}
	}
}

// pause waits the longer the more has failed in a row, so that a server that
// is down is not hammered. It reports false if ctx has ended.
func pause(ctx context.Context, failures int) bool {
	if failures == 0 {
		return ctx.Err() == nil
	}
	return sleep(ctx, min(time.Millisecond<<min(failures, 20), time.Second))
}

// arrive opens the first connection, and tells when it began. Not all clients
// do that at once: the queue of a listener is short, and who finds it full
// comes back after a second.
func (w *worker) arrive(ctx context.Context) (begun time.Duration, err error) {
	w.run.doors <- struct{}{}
	defer func() { <-w.run.doors }()
	begun = w.run.now()
	if err := w.client.connect(ctx); err != nil {
		return begun, err
	}
	if w.run.job.Kind != Idle || w.run.target.protocol == ftp {
		return begun, nil
	}
	w.next()
	if err := w.client.do(&w.request); err != nil {
		return begun, err
	}
	_, err = w.check()
	return begun, err
}

// once does the next request.
func (w *worker) once(ctx context.Context) (verified bool, err error) {
	if !w.client.connected() {
		if err := w.client.connect(ctx); err != nil {
			return false, err
		}
	}
	w.next()
	if err := w.client.do(&w.request); err != nil {
		return false, err
	}
	return w.check()
}

// next prepares the next request.
func (w *worker) next() {
	job := w.run.job
	url := w.turn
	w.turn = (url + 1) % len(w.names)
	w.request = request{op: fetch, url: url}
	rq := &w.request
	if job.verifies() {
		if w.share += job.Verify; w.share >= 1 {
			w.share--
			w.digest.reset()
			rq.digest = w.digest
		}
	}
	switch job.Kind {
	case Churn:
		rq.op = nothing
	case Range:
		rq.op, rq.size = part, job.RangeSize
		size := w.run.refs[url].size
		if rq.digest != nil {
			rq.off = rand.Int64N(size/rq.size) * rq.size // a block whose digest is known
		} else {
			rq.off = rand.Int64N(size - rq.size + 1)
		}
	case Upload:
		if w.names[url] == "" {
			w.names[url] = w.run.target.child(url, w.run.uploadName(strconv.Itoa(w.number)))
			w.run.noteStored(w.names[url])
		}
		rq.op, rq.name, rq.size, rq.content = store, w.names[url], job.UploadSize, w.run.content
	}
}

// check compares what came with what should have.
func (w *worker) check() (verified bool, err error) {
	rq, ref := &w.request, &w.run.refs[w.request.url]
	want := ref.size
	switch rq.op {
	case store:
		return false, nil
	case part:
		want = rq.size
	}
	switch {
	case rq.got < want:
		return false, errShort
	case rq.got > want:
		return false, errLong
	case rq.digest == nil:
		return false, nil
	}
	rq.digest.finish()
	if !ref.holds(rq) {
		return false, errDiffers
	}
	return true, nil
}
