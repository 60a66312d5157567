package ftpd

import (
	"context"
	"net"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

// smallTransfer is the size of the longest download that is only counted: it is
// gone before anybody could look.
const smallTransfer = 64 << 10

// watch makes what is about to move over data one that others can look at. size
// is how much that is; negative: not known.
func (t *transfer) watch(data *dataConn, upload bool, size int64) {
	if size >= 0 && size <= smallTransfer {
		return
	}
	t.watched = t.session.live.Begin(live.Job{
		Op: t.told.Op, Path: t.told.Path, Offset: t.told.Offset, Size: size, Upload: upload, Conn: data.tcp,
	})
}

// unwatch tells how the moving has ended, while there still is a connection.
func (t *transfer) unwatch(ctx context.Context, res sendfile.Result, err error) {
	if t.watched == nil {
		t.session.live.Count(time.Now(), res)
		t.told.Result = res
		return
	}
	switch cause := context.Cause(ctx); {
	case err == nil || cause == nil:
	case cause == ErrServerClosed || cause == errTooLong:
		err = net.ErrClosed // which package live takes for a cut by us
	default:
		err = cause
	}
	rec := t.watched.End(res, err)
	t.watched = nil
	rec.User, rec.Op, rec.Path, rec.Offset = t.told.User, t.told.Op, t.told.Path, t.told.Offset
	t.told = rec
}
