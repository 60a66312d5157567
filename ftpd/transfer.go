package ftpd

import (
	"context"
	"errors"
	"fmt"
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

// transfer is a RETR, STOR, STOU, APPE, LIST, NLST or MLSD under way, of this engine or
// of ftpserverlib's.
type transfer struct {
	server    *Server
	live      *live.Session
	user      *user
	ctx       context.Context // ends when the transfer is cancelled
	begun     time.Time
	record    Transfer       // for OnTransfer
	liveEntry *live.Transfer // in the registry; nil: the transfer is only counted

	throttle *rate.Throttle // nil: no rate limit
}

var (
	errOffset = errors.New("offset is not in the file")
	errPanic  = errors.New("panic during the transfer")
)

// newTransfer returns a transfer of the file or directory name that begins now and ends
// with ctx at the latest.
func newTransfer(ctx context.Context, server *Server, session *live.Session, u *user, command, name string) *transfer {
	return &transfer{server: server, live: session, user: u, ctx: ctx, begun: time.Now(), record: Transfer{
		User: u.name, Op: command, Path: name, Upload: command == Store || command == Append, Retransmits: -1,
	}}
}

// stream is an open data connection: a TLS connection if data is protected, else the
// socket. The functions are those of dataconn.Conn.
type stream struct {
	net.Conn
	below net.Conn     // the socket
	cork  func()       // sends the data together with the end of the connection
	fail  func()       // makes closing reset the connection
	end   func() error // sends close_notify with TLS

	finish func(deadline time.Time) // shuts down our direction, and waits for the client to do the same
}

// withConn opens the data connection and calls move, which moves all bytes over it. It
// blocks until that is done, the client stalls, or the operation is cancelled.
func (op *operation) withConn(move func(conn *stream) error) error {
	data, err := op.connect()
	if err != nil {
		return err
	}
	from, isStranger := data.Stranger()
	protection := op.protection(isStranger)
	if isStranger && protection == nil { // PROT C after PASV
		data.Fail()
		return op.setDataErr(fmt.Errorf("%w: %v", dataconn.ErrStranger, from))
	}
	conn, err := data.Secure(op.ctx, protection)
	if err != nil {
		switch {
		case op.hasSecondConn():
			err = context.Cause(op.ctx)
		case isStranger:
			err = op.logStranger(fmt.Errorf("%w: %v, and %w", dataconn.ErrStranger, from, err))
		}
		return op.setDataErr(err)
	}
	err = move(&stream{
		Conn: conn, below: data.NetConn(), cork: data.Cork, fail: data.Fail, finish: data.Finish,
		end: func() error { return data.End(op.writeEnd) },
	})
	op.lossy = op.isUpload() && isLossy(data.NetConn())
	return err
}

// sendWithConn is withConn for data that the server sends: it also ends the data
// connection. It returns when the client has closed its side too, and so has read reply
// 150, or when delays.reader has passed since reply 150. Otherwise aria2 would read
// replies 150 and 226 together, and then it waits for ever. Some clients close their side
// only after reply 226; for them the delay counts.
func (op *operation) sendWithConn(send func(conn *stream) error) error {
	return op.withConn(func(conn *stream) error {
		if err := send(conn); err != nil {
			return err
		}
		if err := op.setDataErr(conn.end()); err != nil {
			return err
		}
		conn.finish(op.openingSent.Add(op.session.server.delays.beforeFinal()))
		if op.hasSecondConn() {
			return op.setDataErr(context.Cause(op.ctx))
		}
		return nil
	})
}

// writeEnd sends the end of TLS. It blocks until that is in the send buffer, the client
// stalls, or the operation is cancelled.
func (op *operation) writeEnd(below net.Conn, p []byte) (int, error) {
	res, err := sendfile.Write(op.ctx, below, p, &sendfile.Options{Timeout: op.session.server.stallTimeout()})
	return int(res.Sent), err
}

// dataHandshakeTimeout bounds a TLS handshake on a data connection. StallTimeout bounds it
// too.
const dataHandshakeTimeout = time.Minute

// protection returns how TLS protects the data connection; nil: not at all. An upload
// gets no session ticket, unless sessions must be resumed: some clients never read while
// they upload, and unread data turns their close into a reset. If the connection comes
// from another address, resuming the TLS session proves that it is the client's.
func (op *operation) protection(isStranger bool) *dataconn.Protection {
	s := op.session
	if !s.protectsData() {
		return nil
	}
	lax, required := s.server.LaxReuse, s.server.Reuse == ReuseRequired
	p := &dataconn.Protection{
		Config: s.tls.Data, Timeout: dataHandshakeTimeout, Resume: required && (lax == nil || !lax(s.user.name)),
	}
	if stall := s.server.stallTimeout(); stall > 0 {
		p.Timeout = min(stall, p.Timeout)
	}
	switch {
	case isStranger:
		p.Resume, p.Timeout = true, min(p.Timeout, strangerTimeout)
	case op.isUpload() && !required:
		p.Config = s.tls.Upload
	}
	return p
}

// strangerTimeout bounds the handshake on a connection that may be anybody's.
const strangerTimeout = 10 * time.Second

// protectsData reports whether the client has chosen PROT P.
func (s *session) protectsData() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.protectData
}

// sendOptions returns the options of package sendfile for conn. They force the server's
// method if it is one of methods and conn is not TLS. Call beginLive first.
func (t *transfer) sendOptions(conn *stream, methods ...sendfile.Method) *sendfile.Options {
	srv := t.server
	opt := &sendfile.Options{
		Timeout:  srv.stallTimeout(),
		Progress: func(r sendfile.Result) { t.liveEntry.Progress(r) },
	}
	if _, clear := conn.Conn.(*net.TCPConn); clear && slices.Contains(methods, srv.Method) {
		opt.Method = srv.Method
	}
	return opt
}

// recordResult records the result of package sendfile, and returns err, but with the
// cause of ctx if that has ended: then the transfer was cancelled by closing its
// connection, and "connection closed" is not the reason.
func (t *transfer) recordResult(res sendfile.Result, err error) error {
	ctx := t.ctx
	t.throttle.Close(res.Sent)
	t.throttle = nil
	t.endLive(ctx, res, err)
	var e *sendfile.Error
	if errors.As(err, &e) && ctx.Err() != nil && (errors.Is(err, net.ErrClosed) || errors.Is(err, ctx.Err())) {
		cut := *e
		cut.Err = context.Cause(ctx)
		return &cut
	}
	return err
}

// finish reports the end of the transfer, which has failed if err is not nil. It returns
// the final reply.
func (op *operation) finish(t *transfer, err error) reply {
	t.report(err, op.setResult)
	if err != nil {
		return newReply(550, capitalize(errorText(err)))
	}
	return newReply(226, "Transfer complete")
}

// report completes the record of the transfer; err if not nil is why it failed. It
// passes the record to setResult, if that is not nil, and then, if a file was
// transferred, to OnTransfer.
func (t *transfer) report(err error, setResult func(Transfer)) {
	if t.liveEntry != nil { // recordResult was not called, because a hook has panicked
		t.endLive(context.Background(), sendfile.Result{}, net.ErrClosed) // package live reports net.ErrClosed as cut by the server
	}
	t.record.Err = err
	t.record.Duration = time.Since(t.begun)
	if err == nil || t.record.Outcome == live.Complete { // all bytes have moved, but the file may have failed since
		t.record.Outcome = outcomeOf(err)
	}
	if setResult != nil {
		setResult(t.record)
	}
	var hook func(Transfer)
	if t.record.Op == Retrieve || t.record.Op == Store || t.record.Op == Append {
		hook = t.server.OnTransfer
	}
	t.live.Report(&t.record, hook)
}

// outcomeOf is live.OutcomeOf, extended to the errors of package upload and of this
// package.
func outcomeOf(err error) Outcome {
	switch {
	case errors.Is(err, ErrServerClosed), errors.Is(err, errTooLong), errors.Is(err, errPanic), errors.Is(err, errOffset), errors.Is(err, errASCIIOffset),
		errors.Is(err, upload.ErrOffset), errors.Is(err, upload.ErrBusy), isLocked(err), errors.Is(err, dataconn.ErrSecond):
		return live.Cut
	case errors.Is(err, upload.ErrGone), errors.Is(err, fs.ErrExist):
		return live.FileFailed
	}
	return live.OutcomeOf(err)
}

// isStall reports whether err means that no byte moved for StallTimeout.
func isStall(err error) bool {
	var e *sendfile.Error
	return errors.As(err, &e) && e.Timeout()
}

// smallTransfer is the size up to which a download is only counted: it ends before
// anybody could look at it.
const smallTransfer = 64 << 10

// beginLive enters the transfer over conn in the registry, where "sluice top" and STAT
// find it, unless it is small. size is in bytes; negative: not known.
func (t *transfer) beginLive(conn *stream, upload bool, size int64) {
	if size >= 0 && size <= smallTransfer {
		return
	}
	t.liveEntry = t.live.Begin(live.Job{
		Op: t.record.Op, Path: t.record.Path, Offset: t.record.Offset, Size: size, Upload: upload, Conn: conn.below,
	})
}

// endLive records how the transfer of bytes has ended. The connection must still be
// open, because package live samples it.
func (t *transfer) endLive(ctx context.Context, res sendfile.Result, err error) {
	if t.liveEntry == nil {
		t.live.Count(time.Now(), res)
		t.record.Result = res
		return
	}
	switch cause := context.Cause(ctx); {
	case err == nil || cause == nil:
	case cause == ErrServerClosed, cause == errTooLong, errors.Is(cause, dataconn.ErrSecond):
		err = net.ErrClosed // package live reports it as cut by the server
	default:
		err = cause
	}
	rec := t.liveEntry.End(res, err)
	t.liveEntry = nil
	rec.User, rec.Op, rec.Path, rec.Offset = t.record.User, t.record.Op, t.record.Path, t.record.Offset
	t.record = rec
}
