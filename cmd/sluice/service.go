package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"sluice/internal/live"
)

// service is one server on its listeners.
type service struct {
	name   string // in messages
	doors  []door
	server interface {
		Shutdown(ctx context.Context) error
	}
}

// door is a listener with what serves it.
type door struct {
	scheme   string // of its URLs
	listener net.Listener
	serve    func(net.Listener) error // closes the listener
}

// doors returns the listeners with what serves them.
func doors(scheme string, listeners []net.Listener, serve func(net.Listener) error) []door {
	var all []door
	for _, ln := range listeners {
		all = append(all, door{scheme, ln, serve})
	}
	return all
}

// ending is how the services end.
type ending struct {
	stop     <-chan os.Signal // the first ends them, the second cuts, the third does not wait for the disk
	drain    time.Duration    // in which transfers may go on
	draining func()           // called before that

	// giveUp ends the program. It is called when connections were cut, or there are none, and the program has not ended
	// by itself for as long as lastWait: a call to a disk that hangs never returns.
	giveUp func(failure error)
}

// lastWait is how long the disk may take to end what was cut. What it does not end is as after a crash: no client was told
// that it is done.
const lastWait = 3 * time.Second

// run runs the services until one fails or stop receives, and then shuts all
// of them down. Transfers, which reg knows, may go on for as long as drain, or
// until stop receives again.
func (e ending) run(services []*service, reg *live.Registry, logger *slog.Logger) error {
	failed := make(chan error, 1)
	for _, s := range services {
		for _, d := range s.doors {
			go func() {
				select {
				case failed <- fmt.Errorf("%s: %w", d.scheme, d.serve(d.listener)):
				default: // another one was first
				}
			}()
		}
	}

	var failure error
	select {
	case failure = <-failed:
		logger.Error("a server failed, the others are shut down", "err", failure)
	case sig := <-e.stop:
		logger.Info("shutting down", "signal", sig.String(), "drain", e.drain)
	}

	notify(stateStopping)
	e.draining()
	watch := sync.OnceFunc(func() { go e.giveUpLater(failure) })
	defer watch()
	ctx, cut := context.WithCancel(context.Background())
	defer cut()
	go func() {
		select {
		case <-e.stop:
		case <-time.After(e.drain):
		case <-ctx.Done():
			return
		}
		watch()
		tellUnfinished(reg, logger)
		cut()
	}()
	shutdown(ctx, services, logger)
	return failure
}

// giveUpLater ends the program in a while, or when stop receives.
func (e ending) giveUpLater(failure error) {
	select {
	case <-e.stop:
	case <-time.After(lastWait):
	}
	e.giveUp(failure)
}

// giveUp ends the program although something hangs, such as a file system in user space or on a network.
func (b *builder) giveUp(failure error) {
	time.AfterFunc(lastWait, func() { os.Exit(1) }) // if the log hangs too
	b.logger.Warn("a file system does not answer: ended without waiting for it")
	b.log.flush()
	if failure != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// tellUnfinished logs what is going to be cut.
func tellUnfinished(reg *live.Registry, logger *slog.Logger) {
	const most = 10 // are named
	var paths []string
	st := live.Snapshot(reg)
	for i := range st.Sessions {
		for _, t := range st.Sessions[i].Transfers {
			paths = append(paths, t.Op+" "+t.Path)
		}
	}
	n := len(paths)
	if n > most {
		paths = append(paths[:most], "...")
	}
	logger.Warn("unfinished transfers are cut", "transfers", n, "what", paths)
}

// shutdown shuts all services down at once and blocks until they are.
func shutdown(ctx context.Context, services []*service, logger *slog.Logger) {
	var ending sync.WaitGroup
	for _, s := range services {
		ending.Go(func() {
			if err := s.server.Shutdown(ctx); err != nil {
				logger.Warn("connections were cut", "server", s.name, "err", err)
			}
		})
	}
	ending.Wait()
	logger.Info("stopped")
}
