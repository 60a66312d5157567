package httpd

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

// smallBody is the length of the longest body that is only counted. It is gone
// in one write, for which a record would be a twentieth of the cost; for 1 MiB
// it is a two-hundredth.
const smallBody = 64 << 10

// connOf returns the connection below TLS, if there is any, nil if it is not
// one of ours.
func connOf(ctx context.Context) *conn {
	switch c := ctx.Value(connKey{}).(type) {
	case *conn:
		return c
	case *secureConn:
		return c.conn
	case *tls.Conn:
		return c.NetConn().(*conn)
	}
	return nil
}

// session returns what the registry knows of the connection; nil if it is not
// one of ours.
func (c *conn) session() *live.Session {
	if c == nil {
		return nil
	}
	return c.wire.live
}

// beginOf makes a response in the net/http lane one that is seen while it is
// sent, unless it is small or nobody looks; then it is nil.
func beginOf(c *conn, r *http.Request, size int64) *live.Transfer {
	if c == nil || r.Method == http.MethodHead || size >= 0 && size <= smallBody {
		return nil
	}
	job := live.Job{Op: r.Method, Path: r.URL.Path, Size: size, Before: -1}
	if r.ProtoMajor == 1 { // of HTTP/2 there are others on the connection
		job.Before = c.wire.sent.Load()
	}
	return c.session().Begin(job)
}

// account tells a session that a response is over, and returns what is known
// of it. t is nil if it was only to be counted.
func account(s *live.Session, t *live.Transfer, begin time.Time, res sendfile.Result, err error) live.Record {
	if t == nil {
		s.Count(begin, res)
	}
	return t.End(res, err)
}
