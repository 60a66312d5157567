package load

import (
	"context"
	"sync"
)

// idle connects all clients, keeps them connected while End runs, and returns
// how many connected and how many were disconnected by the server.
func (r *run) idle(ctx context.Context) *Result {
	connected, disconnect := context.WithCancel(context.WithoutCancel(ctx))
	defer disconnect()
	call(r.job.Begin)
	r.begin = r.now()
	r.phase.Store(measuring)
	allConnected := make(chan struct{})
	var connecting, all sync.WaitGroup
	connecting.Add(len(r.counters))
	for i := range r.counters {
		w := r.newWorker(i)
		all.Go(func() { w.idle(connected, &connecting) })
	}
	go func() {
		defer close(allConnected)
		connecting.Wait()
	}()
	r.wait(ctx, forever, allConnected)
	res := newResult()
	res.Elapsed = r.now() - r.begin
	call(r.job.End)
	r.phase.Store(over)
	disconnect()
	all.Wait()
	<-allConnected
	res.Bytes = r.moved()
	for _, t := range r.tallies {
		t.addTo(res)
	}
	return res
}

// idle connects and logs in, or fetches once, calls connecting.Done, and stays
// connected until ctx ends.
func (w *worker) idle(ctx context.Context, connecting *sync.WaitGroup) {
	defer w.client.close()
	due, err := w.connectFirst(ctx)
	if ctx.Err() == nil {
		w.run.finish(w.counter, w.tally, due, false, err)
	}
	connecting.Done()
	if err != nil {
		return
	}
	if err := w.client.waitForClose(); ctx.Err() == nil {
		w.run.finish(w.counter, w.tally, due, false, err)
	}
}
