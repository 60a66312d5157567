package httpd

import (
	"context"
	"errors"
	"time"

	"sluice/sendfile"
)

// errTooSlow is why a client is cut that takes less than Server.MinRate.
var errTooSlow = errors.New("the client takes less than the minimum rate")

// pace bounds how slow the client of a connection may be. What is sent is
// divided into stretches, and each may last as long as it takes at the minimum
// rate. Only the time of sending counts. A trickle of bytes is progress to a
// timeout that bounds a stall; to this it is not.
type pace struct {
	stretch int64         // bytes; zero: no bound
	allowed time.Duration // for a stretch

	left  int64         // of the stretch under way
	spent time.Duration // on it
}

// mostAtOnce is the most that is asked of a limit: what package sendfile asks
// for by default.
const mostAtOnce = 256 << 10

// newPace returns the pace of rate bytes per second, looked at over a window
// of time. It may be longer, since a stretch is no shorter than a chunk.
func newPace(rate int64, window time.Duration) pace {
	const least, most = 256 << 10, 1 << 50
	if rate <= 0 {
		return pace{}
	}
	stretch := min(max(float64(rate)*window.Seconds(), least), most)
	return pace{stretch: int64(stretch), allowed: time.Duration(stretch / float64(rate) * float64(time.Second))}
}

// pace is that of a connection.
func (s *Server) pace() pace {
	window := s.stallTimeout()
	if window == 0 {
		window = defaultStallTimeout
	}
	return newPace(s.MinRate, window)
}

// send has n bytes sent, part by part. If wait is not nil it is asked for the
// size of each, as sendfile.Options.Wait is: the time that a limit of ours takes
// is not the client's.
func (p *pace) send(n int64, wait func(ctx context.Context, n int) (int, error), part func(ctx context.Context, off, n int64) (sendfile.Result, error)) (sendfile.Result, error) {
	var all sendfile.Result
	for {
		if p.left == 0 {
			p.left, p.spent = p.stretch, 0
		}
		size := min(n-all.Sent, p.left)
		if wait != nil {
			granted, err := wait(context.Background(), int(min(size, mostAtOnce)))
			if err != nil {
				return all, err
			}
			size = int64(granted)
		}
		begin := time.Now()
		ctx, cancel := context.WithTimeoutCause(context.Background(), p.allowed-p.spent, errTooSlow)
		res, err := part(ctx, all.Sent, size)
		cancel()
		p.spent += time.Since(begin)
		p.left -= res.Sent
		addResult(&all, res)
		if err != nil || all.Sent == n {
			return all, err
		}
	}
}

// addResult adds what was sent next to what was sent before. A byte that was
// copied stays copied.
func addResult(all *sendfile.Result, next sendfile.Result) {
	all.Sent += next.Sent
	all.ZeroCopied += next.ZeroCopied
	if all.Method != sendfile.Copy {
		all.Method = next.Method
	}
}
