package load

import (
	"context"
	"sync"
)

// idle connects all clients, lets them be idle while End runs, and returns
// how they came and whether they stayed.
func (r *run) idle(ctx context.Context) *Result {
	staying, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	call(r.job.Begin)
	r.begin = r.now()
	r.phase.Store(measuring)
	arrived := make(chan struct{})
	var coming, all sync.WaitGroup
	coming.Add(len(r.counters))
	for i := range r.counters {
		w := r.newWorker(i)
		all.Go(func() { w.idle(staying, &coming) })
	}
	go func() {
		defer close(arrived)
		coming.Wait()
	}()
	r.wait(ctx, forever, arrived)
	res := newResult()
	res.Elapsed = r.now() - r.begin
	call(r.job.End)
	r.phase.Store(over)
	leave()
	all.Wait()
	<-arrived
	res.Bytes = r.moved()
	for _, t := range r.tallies {
		t.addTo(res)
	}
	return res
}

// idle connects, makes itself known to the server, calls coming.Done, and
// stays until ctx ends.
func (w *worker) idle(ctx context.Context, coming *sync.WaitGroup) {
	defer w.client.close()
	due, err := w.arrive(ctx)
	if ctx.Err() == nil {
		w.run.finish(w.counter, w.tally, due, false, err)
	}
	coming.Done()
	if err != nil {
		return
	}
	if err := w.client.hold(); ctx.Err() == nil {
		w.run.finish(w.counter, w.tally, due, false, err)
	}
}
