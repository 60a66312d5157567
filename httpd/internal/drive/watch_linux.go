package drive

import (
	"sync/atomic"
	"time"
)

// watch replaces the threads of loops that are stuck: in a disk that does not answer, a
// hook, or a lock. While all loops sleep it sleeps too.
type watch struct {
	awake  atomic.Int32 // loops that do not wait for events
	parked atomic.Bool  // the goroutine waits for start
	begun  chan struct{}
	done   chan struct{}
	ended  chan struct{}
}

const (
	watchPeriod = 50 * time.Millisecond
	stuckFor    = 2  // periods
	restAfter   = 20 // periods in which all loops sleep
)

func (w *watch) start(s *Loops) {
	w.awake.Store(int32(len(s.all)))
	w.begun, w.done, w.ended = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go w.run(s)
}

func (w *watch) stop() {
	close(w.done)
	<-w.ended
}

// sleep is called by a loop before it waits for events.
func (w *watch) sleep() { w.awake.Add(-1) }

// wake is called by a loop after it has waited for events.
func (w *watch) wake() {
	w.awake.Add(1)
	if w.parked.Load() && w.parked.CompareAndSwap(true, false) {
		w.begun <- struct{}{}
	}
}

// seen is the last step that was seen of a loop.
type seen struct {
	thread *thread
	step   int64
	times  int
}

func (w *watch) run(s *Loops) {
	defer close(w.ended)
	last := make([]seen, len(s.all))
	ticker := time.NewTicker(watchPeriod)
	defer ticker.Stop()
	for idle, periods := 0, 1; ; periods++ {
		select {
		case <-ticker.C:
		case <-w.done:
			return
		}
		for i, l := range s.all {
			last[i] = l.look(last[i])
		}
		if periods%(int(time.Second/watchPeriod)) == 0 {
			s.deferral.adapt(s)
		}
		if idle++; w.awake.Load() > 0 {
			idle = 0
		}
		if idle < restAfter {
			continue
		}
		w.parked.Store(true)
		if w.awake.Load() > 0 && w.parked.CompareAndSwap(true, false) {
			continue
		}
		select {
		case <-w.begun:
			idle = 0
		case <-w.done:
			return
		}
	}
}

// look replaces the thread of the loop if it was in the same step for stuckFor periods.
func (l *loop) look(last seen) seen {
	t := l.thread.Load()
	now := seen{t, t.step.Load(), 0}
	if now.step <= 0 || now.thread != last.thread || now.step != last.step {
		return now
	}
	if now.times = last.times + 1; now.times < stuckFor {
		return now
	}
	if t.step.CompareAndSwap(now.step, replaced) {
		l.counts.replaced.Add(1)
		l.begin()
	}
	return seen{}
}
