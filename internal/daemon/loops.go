package daemon

import (
	"context"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"

	"sluice/httpd"
	"sluice/internal/daemon/listen"
)

// loops returns what makes the listeners of HTTP; nil if no event loops accept.
func (d *daemon) loops() listen.Loops {
	if !d.conf.WantsLoops() {
		return nil
	}
	return loopListeners{}
}

// loopListeners implements listen.Loops.
type loopListeners struct{}

func (loopListeners) Listen(ctx context.Context, addr string, sockets int) (net.Listener, error) {
	lc := httpd.ListenConfig{ReusePort: sockets > 0, Sockets: sockets}
	return asListener(lc.Listen(ctx, "tcp", addr))
}

func (loopListeners) TakeOver(ln net.Listener) (net.Listener, error) {
	return asListener(httpd.NewListener(ln))
}

// asListener returns a nil net.Listener if there is an error.
func asListener(ln *httpd.Listener, err error) (net.Listener, error) {
	if err != nil {
		return nil, err
	}
	return ln, nil
}

// loopsOf returns how many event loops accept from listeners.
func loopsOf(listeners []net.Listener) (n int) {
	for _, ln := range listeners {
		if ln, ok := ln.(*httpd.Listener); ok {
			n = max(n, ln.Loops())
		}
	}
	return n
}

// addProcessors lets as many goroutines run at once as without event loops, next to those.
//
// Each loop is a goroutine that has one of the GOMAXPROCS processors of the runtime while it
// runs, and while it waits for events until the scheduler notices. Without others FTP, HTTPS
// and the operator would wait for the loops under load. With a processor more for each loop,
// the scheduler of the kernel divides the real ones among all threads at once.
//
// The runtime no longer follows a limit of the cgroup that changes while it runs. The
// number of loops does not either.
//
// It logs a warning if the environment forbids that.
func addProcessors(loops int, logger *slog.Logger) {
	now := runtime.GOMAXPROCS(0)
	switch n := processors(now, loops, os.Getenv("GOMAXPROCS")); {
	case n != now:
		runtime.GOMAXPROCS(n)
	case loops > 0:
		logger.Warn("under load, event loops delay everything else (HTTPS, FTP, listings, /healthz), because GOMAXPROCS in the environment leaves no room next to them",
			"GOMAXPROCS", now, "loops", loops, "instead", "unset GOMAXPROCS, and limit the processors by the cgroup; or --loop=off")
	}
}

// processors returns GOMAXPROCS for a number of event loops. now is what the runtime has
// derived from processors and cgroup. The variable of the environment is a decision of the
// operator and stays.
func processors(now, loops int, variable string) int {
	if n, err := strconv.Atoi(variable); err == nil && n > 0 {
		return now
	}
	return now + loops
}
