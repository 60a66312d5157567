package metrics

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Wait waits until the process has ended or ctx is done, and returns nil or the error
// of ctx. A zombie has ended. Wait takes no exit status and reaps no child: for a
// child of this process use os.Process.Wait too.
//
// On Linux the kernel wakes Wait (pidfd, 5.3). Elsewhere, and if Host.Proc is set,
// Wait looks at the process, at first after a millisecond, later 25 times a second.
func (p *Process) Wait(ctx context.Context) error {
	err := p.wait(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		err = p.waitByLooking(ctx)
	}
	if err == nil || err == ctx.Err() { //nolint:errorlint // the error of ctx itself, not one that wraps it
		return err
	}
	return processError(p.id.PID, "wait", err)
}

// waitByLooking looks whether the process has ended until it has.
func (p *Process) waitByLooking(ctx context.Context) error {
	const rarest = 40 * time.Millisecond
	for pause := time.Millisecond; ; pause = min(2*pause, rarest) {
		if ended, err := p.ended(); ended || err != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// WaitAll waits until all the processes have ended or ctx is done. It calls ended,
// unless that is nil, with each process that has ended, one after the other. It
// returns the processes that run when ctx is done, in their order, and the errors of
// those for which Wait failed for another reason, joined.
//
//	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
//	defer cancel()
//	running, err := metrics.WaitAll(ctx, workers, nil)
func WaitAll(ctx context.Context, processes []*Process, ended func(*Process)) (running []*Process, err error) {
	results := make([]error, len(processes))
	var (
		all sync.WaitGroup
		one sync.Mutex // held during ended
	)
	for i, p := range processes {
		all.Go(func() {
			results[i] = p.Wait(ctx)
			if results[i] == nil && ended != nil {
				one.Lock()
				defer one.Unlock()
				ended(p)
			}
		})
	}
	all.Wait()
	var failed []error
	for i, err := range results {
		switch {
		case err == nil:
		case err == ctx.Err(): //nolint:errorlint // as in Wait
			running = append(running, processes[i])
		default:
			failed = append(failed, err)
		}
	}
	return running, errors.Join(failed...)
}
