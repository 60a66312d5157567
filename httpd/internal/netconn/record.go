package netconn

import (
	"fmt"
	"net"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

// SmallBody is the length of the longest body that is only counted. It is sent by
// one write, for which a live.Transfer would be a twentieth of the cost; for 1 MiB it
// is a two-hundredth.
const SmallBody = 64 << 10

// ErrPanic is the error of a response that was cut because a ResponseWriter, a hook or
// a Limiter has panicked.
var ErrPanic = fmt.Errorf("a panic: %w", net.ErrClosed) // so that its Outcome is a cut by this side

// EndTransfer ends a response of a session, and returns the beginning of its record.
// t is nil if the response is only counted. Both may be nil.
func EndTransfer(s *live.Session, t *live.Transfer, begin time.Time, res sendfile.Result, err error) live.Record {
	if t == nil {
		s.Count(begin, res)
	}
	return t.End(res, err)
}

// AddResult adds the result of a part to that of the parts before. If one of them was
// copied, the method of all is Copy.
func AddResult(all *sendfile.Result, next sendfile.Result) {
	all.Sent += next.Sent
	all.ZeroCopied += next.ZeroCopied
	if all.Method != sendfile.Copy {
		all.Method = next.Method
	}
}
