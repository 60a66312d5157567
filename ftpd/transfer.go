package ftpd

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"slices"
	"time"

	"sluice/ftpd/internal/dataconn"
	"sluice/internal/live"
	"sluice/internal/rate"
	"sluice/internal/upload"
	"sluice/sendfile"
)

// transfer is a RETR, STOR, STOU, APPE, LIST, NLST or MLSD under way, by whichever
// engine.
type transfer struct {
	server  *Server
	live    *live.Session
	user    *user           // of who has begun it
	ctx     context.Context // ends when it must
	begun   time.Time
	record  Transfer       // for OnTransfer
	watched *live.Transfer // nil: nobody looks

	throttle *rate.Throttle // nil: no limit holds
}

var (
	errOffset = errors.New("offset is not in the file")
	errPanic  = errors.New("panic during the transfer")
)

// newTransfer begins a transfer of the file or directory name, until ctx ends.
func newTransfer(ctx context.Context, server *Server, session *live.Session, u *user, command, name string) *transfer {
	return &transfer{server: server, live: session, user: u, ctx: ctx, begun: time.Now(), record: Transfer{
		User: u.name, Op: command, Path: name, Upload: command == Store || command == Append, Retransmits: -1,
	}}
}

// stream is an open data connection: what bytes go through, protected if they have
// to be.
type stream struct {
	net.Conn
	below net.Conn     // the socket
	cork  func()       // lets what is sent go with the end
	fail  func()       // makes the end a reset
	end   func() error // tells the client that all has gone

	finish func(deadline time.Time) // ends our direction, and waits for the client to end its own
}

// over opens the data connection and lets move move all bytes over it. It blocks until
// that is done, the client stalls, or the operation ends.
func (op *operation) over(move func(conn *stream) error) error {
	data, err := op.connect()
	if err != nil {
		return err
	}
	conn, err := data.Secure(op.ctx, op.protection())
	if err != nil {
		if op.isStolen() {
			err = context.Cause(op.ctx)
		}
		return op.failData(err)
	}
	err = move(&stream{
		Conn: conn, below: data.NetConn(), cork: data.Cork, fail: data.Fail, finish: data.Finish,
		end: func() error { return data.End(op.session.server.stallTimeout()) },
	})
	op.lossy = op.isUpload() && isLossy(data.NetConn())
	return err
}

// sendOver is over for what the client must be told the end of. It returns when the
// client has read reply 150, or has had the time to: aria2 waits for ever if it finds
// reply 226 behind it. A client that ends the data connection too has read reply 150; no
// other sign is as quick. One that does so after reply 226 only has its time from reply
// 150 on.
func (op *operation) sendOver(send func(conn *stream) error) error {
	return op.over(func(conn *stream) error {
		if err := send(conn); err != nil {
			return err
		}
		if err := op.failData(conn.end()); err != nil {
			return err
		}
		conn.finish(op.introduced.Add(op.session.server.waits.forReader()))
		if op.isStolen() {
			return op.failData(context.Cause(op.ctx))
		}
		return nil
	})
}

// protection returns how the data connection is protected; nil: not at all. That of an
// upload gets no ticket, unless sessions must be resumed: some clients never read
// while they upload, and what they have not read makes their close a reset.
func (op *operation) protection() *dataconn.Protection {
	s := op.session
	if !s.isPrivate() {
		return nil
	}
	lax, required := s.server.LaxReuse, s.server.Reuse == ReuseRequired
	p := &dataconn.Protection{
		Config: s.tls.Data, Stall: s.server.stallTimeout(), Resume: required && (lax == nil || !lax(s.user.name)),
	}
	if op.isUpload() && !required {
		p.Config = s.tls.Upload
	}
	return p
}

// isPrivate reports whether data is to be protected.
func (s *session) isPrivate() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.private
}

// options are those of package sendfile for conn: by the server's method, if it
// is one of methods and there is a choice. It must be watched before.
func (t *transfer) options(conn *stream, methods ...sendfile.Method) *sendfile.Options {
	srv := t.server
	opt := &sendfile.Options{
		Timeout:  srv.stallTimeout(),
		Progress: func(r sendfile.Result) { t.watched.Progress(r) }, // watched from later on
	}
	if _, clear := conn.Conn.(*net.TCPConn); clear && slices.Contains(methods, srv.Method) {
		opt.Method = srv.Method
	}
	return opt
}

// ended keeps what package sendfile has done, and returns why not all went.
// Connections are closed to end a transfer, and that they were is not the
// reason.
func (t *transfer) ended(res sendfile.Result, err error) error {
	ctx := t.ctx
	t.throttle.Close(res.Sent)
	t.throttle = nil
	t.unwatch(ctx, res, err)
	var e *sendfile.Error
	if errors.As(err, &e) && ctx.Err() != nil && (errors.Is(err, net.ErrClosed) || errors.Is(err, ctx.Err())) {
		cut := *e
		cut.Err = context.Cause(ctx)
		return &cut
	}
	return err
}

// done ends the transfer, which err if not nil has failed. It returns the final reply.
func (op *operation) done(t *transfer, err error) reply {
	t.report(err, op.settle)
	if err != nil {
		return say(550, sentence(reasonOf(err)))
	}
	return say(226, "Transfer complete")
}

// report tells of the end of the transfer; err if not nil is why it failed. settle, if
// not nil, is told first, and then the hook, if the transfer is about a file.
func (t *transfer) report(err error, settle func(Transfer)) {
	if t.watched != nil { // nobody has ended it: a hook has panicked
		t.unwatch(context.Background(), sendfile.Result{}, net.ErrClosed) // which package live takes for a cut by us
	}
	t.record.Err = err
	t.record.Duration = time.Since(t.begun)
	if err == nil || t.record.Outcome == live.Complete { // all has moved, but the file may have failed since
		t.record.Outcome = outcomeOf(err)
	}
	if settle != nil {
		settle(t.record)
	}
	var hook func(Transfer)
	if t.record.Op == Retrieve || t.record.Op == Store || t.record.Op == Append {
		hook = t.server.OnTransfer
	}
	t.live.Report(&t.record, hook)
}

// outcomeOf is live.OutcomeOf, for the errors of uploads and of this package too.
func outcomeOf(err error) Outcome {
	switch {
	case errors.Is(err, ErrServerClosed), errors.Is(err, errTooLong), errors.Is(err, errPanic), errors.Is(err, errOffset), errors.Is(err, errConverts),
		errors.Is(err, upload.ErrOffset), errors.Is(err, upload.ErrBusy), errors.Is(err, dataconn.ErrSecond):
		return live.Cut
	case errors.Is(err, upload.ErrGone), errors.Is(err, fs.ErrExist):
		return live.FileFailed
	}
	return live.OutcomeOf(err)
}

// isStall reports whether err means that the client took or sent nothing for
// too long.
func isStall(err error) bool {
	var e *sendfile.Error
	return errors.As(err, &e) && e.Timeout()
}

// smallTransfer is the size of the longest download that is only counted: it is
// gone before anybody could look.
const smallTransfer = 64 << 10

// watch makes what is about to move over conn one that others can look at. size
// is how much that is; negative: not known.
func (t *transfer) watch(conn *stream, upload bool, size int64) {
	if size >= 0 && size <= smallTransfer {
		return
	}
	t.watched = t.live.Begin(live.Job{
		Op: t.record.Op, Path: t.record.Path, Offset: t.record.Offset, Size: size, Upload: upload, Conn: conn.below,
	})
}

// unwatch tells how the moving has ended, while there still is a connection.
func (t *transfer) unwatch(ctx context.Context, res sendfile.Result, err error) {
	if t.watched == nil {
		t.live.Count(time.Now(), res)
		t.record.Result = res
		return
	}
	switch cause := context.Cause(ctx); {
	case err == nil || cause == nil:
	case cause == ErrServerClosed, cause == errTooLong, errors.Is(cause, dataconn.ErrSecond):
		err = net.ErrClosed // which package live takes for a cut by us
	default:
		err = cause
	}
	rec := t.watched.End(res, err)
	t.watched = nil
	rec.User, rec.Op, rec.Path, rec.Offset = t.record.User, t.record.Op, t.record.Path, t.record.Offset
	t.record = rec
}
