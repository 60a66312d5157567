package load

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// A worker is a client with the state of its requests.
type worker struct {
	run     *run
	client  client
	counter *counter
	tally   *tally

	number  int
	nextURL int      // index
	names   []string // of uploads below each URL; made when first needed
	share   float64  // of responses to verify that has added up; at 1 one is verified
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
		nextURL: i % len(r.target.urls),
		names:   make([]string, len(r.target.urls)),
		share:   rand.Float64(),
		digest:  newDigest(0),
	}
	w.client = newClient(r.job, r.target, &w.counter.bytes)
	return w
}

// work runs all clients until ctx ends.
func (r *run) work(ctx context.Context) {
	var dueTimes chan time.Duration // of requests; nil in a closed loop
	var all sync.WaitGroup
	if r.schedule != nil {
		dueTimes = make(chan time.Duration)
		all.Go(func() { r.issue(ctx, dueTimes) })
	}
	for i := range r.counters {
		w := r.newWorker(i)
		all.Go(func() { w.work(ctx, dueTimes) })
	}
	all.Wait()
}

// work sends requests until ctx ends.
func (w *worker) work(ctx context.Context, dueTimes <-chan time.Duration) {
	defer w.client.close()
	failures := 0
	if !w.run.job.connectsEachTime() {
		if due, err := w.connectFirst(ctx); err != nil && ctx.Err() == nil {
			w.run.finish(w.counter, w.tally, due, false, err)
			failures++
		}
	}
	for pause(ctx, failures) {
		due := w.run.now()
		if dueTimes != nil {
			select {
			case due = <-dueTimes:
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

// pause waits longer with each failure in a row, so that a server that is down
// is not flooded. It returns false if ctx has ended.
func pause(ctx context.Context, failures int) bool {
	if failures == 0 {
		return ctx.Err() == nil
	}
	return sleep(ctx, min(time.Millisecond<<min(failures, 20), time.Second))
}

// connectFirst opens the first connection, and returns when it began. A limited
// number of clients do that at once: the queue of a listener is short, and a
// client that finds it full tries again after a second.
func (w *worker) connectFirst(ctx context.Context) (began time.Duration, err error) {
	w.run.connecting <- struct{}{}
	defer func() { <-w.run.connecting }()
	began = w.run.now()
	if err := w.client.connect(ctx); err != nil {
		return began, err
	}
	if w.run.job.Kind != Idle || w.run.target.protocol == ftp {
		return began, nil
	}
	w.next()
	if err := w.client.do(&w.request); err != nil {
		return began, err
	}
	_, err = w.check()
	return began, err
}

// once sends the next request.
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
	url := w.nextURL
	w.nextURL = (url + 1) % len(w.names)
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
		rq.op = minimal
	case Range:
		rq.op, rq.size = part, job.RangeSize
		size := w.run.refs[url].size
		if rq.digest != nil {
			rq.off = rand.Int64N(size/rq.size) * rq.size // a block with a known digest
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

// check compares the response with the reference.
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
	if !ref.matches(rq) {
		return false, errDiffers
	}
	return true, nil
}
