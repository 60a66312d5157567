package ftpd

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"slices"
	"time"

	"sluice/internal/live"
	"sluice/internal/rate"
	"sluice/internal/upload"
	"sluice/sendfile"
)

// transfer is what all movers have in common.
type transfer struct {
	session *session
	driver  *driver // of who has begun it
	begun   time.Time
	told    Transfer       // what OnTransfer will be told
	watched *live.Transfer // nil: nobody looks

	throttle *rate.Throttle // nil: no limit holds
}

var errOffset = errors.New("offset is not in the file")

// newTransfer begins a transfer of what arg names.
func (d *driver) newTransfer(op, arg string) transfer {
	return transfer{session: d.session, driver: d, begun: time.Now(), told: Transfer{
		User: d.user, Op: op, Path: d.path(arg), Upload: op == Store || op == Append, Retransmits: -1,
	}}
}

// options are those of package sendfile for conn: by the server's method, if it
// is one of methods and there is a choice. It must be watched before.
func (t *transfer) options(conn net.Conn, methods ...sendfile.Method) *sendfile.Options {
	srv := t.session.server
	opt := &sendfile.Options{
		Timeout:  srv.stallTimeout(),
		Progress: func(r sendfile.Result) { t.watched.Progress(r) }, // watched from later on
	}
	if _, clear := conn.(*net.TCPConn); clear && slices.Contains(methods, srv.Method) {
		opt.Method = srv.Method
	}
	return opt
}

// ended keeps what package sendfile has done, and returns why not all went.
// Connections are closed to end a transfer, and that they were is not the
// reason.
func (t *transfer) ended(ctx context.Context, res sendfile.Result, err error) error {
	t.unlimit(res.Sent)
	t.unwatch(ctx, res, err)
	var e *sendfile.Error
	if errors.As(err, &e) && ctx.Err() != nil && (errors.Is(err, net.ErrClosed) || errors.Is(err, ctx.Err())) {
		told := *e
		told.Err = context.Cause(ctx)
		return &told
	}
	return err
}

// report tells of the end of the transfer, err if not nil is why it failed: the
// session first, then the hook if it is about a file. It returns err.
func (t *transfer) report(err error) error {
	if t.watched != nil { // nobody has ended it: a hook has panicked
		t.unwatch(t.session.ctx, sendfile.Result{}, net.ErrClosed) // which package live takes for a cut by us
	}
	t.told.Err = err
	t.told.Duration = time.Since(t.begun)
	if err == nil || t.told.Outcome == live.Complete { // all has moved, but the file may have failed since
		t.told.Outcome = outcomeOf(err)
	}
	t.session.settle(t.told)
	var hook func(Transfer)
	if t.isFile() {
		hook = t.session.server.OnTransfer
	}
	t.session.live.Report(&t.told, hook)
	return err
}

// outcomeOf is live.OutcomeOf, for the errors of uploads and of this package too.
func outcomeOf(err error) Outcome {
	switch {
	case errors.Is(err, ErrServerClosed), errors.Is(err, errTooLong), errors.Is(err, errPanic), errors.Is(err, errOffset),
		errors.Is(err, upload.ErrOffset), errors.Is(err, upload.ErrBusy):
		return live.Cut
	case errors.Is(err, upload.ErrGone), errors.Is(err, fs.ErrExist):
		return live.FileFailed
	}
	return live.OutcomeOf(err)
}

func (t *transfer) isFile() bool {
	return t.told.Op == Retrieve || t.told.Op == Store || t.told.Op == Append
}

// isStall reports whether err means that the client took or sent nothing for
// too long.
func isStall(err error) bool {
	var e *sendfile.Error
	return errors.As(err, &e) && e.Timeout()
}
