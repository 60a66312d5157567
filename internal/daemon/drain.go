package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"sluice/internal/live"
)

// service is one server and its listeners.
type service struct {
	name      string // in messages
	listeners []listener
	server    interface {
		Shutdown(ctx context.Context) error
	}
}

// listener is a net.Listener and the method of the server that serves it.
type listener struct {
	net.Listener
	scheme string                   // of its URLs
	serve  func(net.Listener) error // closes the listener
}

// served pairs each listener with the method that serves it.
func served(scheme string, listeners []net.Listener, serve func(net.Listener) error) []listener {
	var all []listener
	for _, ln := range listeners {
		all = append(all, listener{ln, scheme, serve})
	}
	return all
}

// drain is how the services end.
type drain struct {
	stop  <-chan os.Signal // the first signal drains, the second cuts, the third gives up
	limit time.Duration    // for running transfers
	begin func()           // called when draining begins

	// giveUp ends the program. It is called if the services have not ended
	// lastWait after their connections were cut: a call to a file system that hangs
	// never returns.
	giveUp func(failure error)
}

// lastWait bounds the wait for the disk after transfers were cut. An upload that has not
// ended by then was not acknowledged.
const lastWait = 3 * time.Second

// run runs the services until one fails or stop receives, and then shuts all of
// them down. Running transfers of reg may go on for limit, or until stop receives
// again.
func (dr drain) run(services []*service, reg *live.Registry, logger *slog.Logger) error {
	failed := make(chan error, 1)
	for _, s := range services {
		for _, l := range s.listeners {
			go func() {
				select {
				case failed <- fmt.Errorf("%s: %w", l.scheme, l.serve(l.Listener)):
				default: // another listener failed first
				}
			}()
		}
	}

	var failure error
	select {
	case failure = <-failed:
		logger.Error("a server failed, the others are shut down", "err", failure)
	case sig := <-dr.stop:
		logger.Info("shutting down", "signal", sig.String(), "drain", dr.limit)
		if n := len(running(reg)); n > 0 && dr.limit > 0 {
			logger.Info("waiting for transfers; a second signal, as by Ctrl-C, cuts them", "transfers", n, "at_most", dr.limit)
		}
	}

	notify(stateStopping)
	dr.begin()
	giveUpLater := sync.OnceFunc(func() { go dr.giveUpLater(failure) })
	defer giveUpLater()
	ctx, cut := context.WithCancel(context.Background())
	defer cut()
	go func() {
		select {
		case <-dr.stop:
		case <-time.After(dr.limit):
		case <-ctx.Done():
			return
		}
		giveUpLater()
		logUnfinished(reg, logger)
		cut()
	}()
	shutdown(ctx, services, logger)
	return failure
}

// giveUpLater calls giveUp after lastWait, or when stop receives.
func (dr drain) giveUpLater(failure error) {
	select {
	case <-dr.stop:
	case <-time.After(lastWait):
	}
	dr.giveUp(failure)
}

// giveUp ends the program although something hangs, such as a file system in user
// space or on a network.
func (d *daemon) giveUp(failure error) {
	d.logger.Warn("a file system does not answer: ended without waiting for it")
	d.log.Flush()
	if failure != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// running returns the transfers of reg.
func running(reg *live.Registry) (all []string) {
	st := live.Snapshot(reg)
	for i := range st.Sessions {
		for _, t := range st.Sessions[i].Transfers {
			all = append(all, t.Op+" "+t.Path)
		}
	}
	return all
}

// logUnfinished logs the transfers that are about to be cut.
func logUnfinished(reg *live.Registry, logger *slog.Logger) {
	const maxNamed = 10
	paths := running(reg)
	n := len(paths)
	if n > maxNamed {
		paths = append(paths[:maxNamed], "...")
	}
	logger.Warn("unfinished transfers are cut", "transfers", n, "what", paths)
}

// shutdown shuts all services down at once and waits for them.
func shutdown(ctx context.Context, services []*service, logger *slog.Logger) {
	var ending sync.WaitGroup
	for _, s := range services {
		ending.Go(func() {
			switch err := s.server.Shutdown(ctx); {
			case errors.Is(err, context.Canceled): // by cut
				logger.Warn("connections were cut", "server", s.name)
			case err != nil:
				logger.Warn("connections were cut", "server", s.name, "err", err)
			}
		})
	}
	ending.Wait()
	logger.Info("stopped")
}
