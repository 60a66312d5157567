package httpd

import (
	"context"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"sluice/httpd/internal/netconn"
	"sluice/internal/live"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// incoming is what a file is received from.
type incoming struct {
	io.Reader            // nil: there are no bytes
	size      int64      // negative: not known
	limit     *sizeLimit // nil: no limit
	sums      checksums
	isBody    bool // it is the body of the request, and not a part of that
}

// sizeLimit is the largest number of bytes, and the error of more.
type sizeLimit struct {
	bytes int64
	err   error
}

// limitAt returns how many bytes may come from offset on, by MaxUpload.
func (ch *change) limitAt(offset int64) *sizeLimit {
	if ch.h.MaxUpload <= 0 {
		return nil
	}
	return &sizeLimit{max(ch.h.MaxUpload-offset, 0), errTooLarge}
}

// copyBuffers are for bodies that are copied.
var copyBuffers = sync.Pool{New: func() any { return new([128 << 10]byte) }}

// receive writes the bytes to f, from the offset at on, and returns how many have come.
// The error is a *sendfile.Error, or a *refusal.
func (ch *change) receive(f io.WriterAt, at int64, in incoming) (n int64, err error) {
	ctx := ch.ctx()
	if ch.conn != nil {
		ch.transfer = ch.conn.Conn().Session().Begin(live.Job{Op: ch.r.Method, Path: ch.name, Size: in.size, Upload: true, Before: -1})
	}
	limits := ch.h.uploadLimits.Begin(ctx, in.size, ch.transfer)
	defer func() { limits.Close(ch.result.Sent) }()
	ch.offset = at
	if ch.isDirect(f, in) {
		stall := ch.stall()
		ch.setDeadline(stall) // for the bytes that net/http reads itself
		ch.result, err = ch.conn.ReceiveBody(ctx, ch.r.Body, f, at, in.size, sendfile.Options{
			Timeout: stall, Wait: limits.Hook(), Disk: vfs.MountOfFile(ch.tree, f),
		}, ch.transfer)
	} else {
		err = ch.copyBody(f, at, in, limits)
	}
	switch {
	case err != nil && ch.stop != nil && ch.stop.Err() != nil:
		err = errStopped
	case err == nil && !in.sums.match():
		err = errDigest
	}
	return ch.result.Sent, err
}

// isDirect reports whether the bytes can go from the connection to f past net/http.
func (ch *change) isDirect(f io.WriterAt, in incoming) bool {
	_, isFile := f.(*os.File)
	return isFile && in.isBody && len(in.sums) == 0 && in.size >= netconn.MinDirect &&
		ch.h.Method != sendfile.Copy && ch.conn != nil && ch.conn.OwnsBody(ch.r.Body)
}

// ctx returns the context that ends the wait for bytes and for limits.
func (ch *change) ctx() context.Context {
	switch {
	case ch.stop != nil:
		return ch.stop
	case ch.server != nil:
		return ch.server.base
	}
	return context.Background()
}

// stall returns the longest wait for the client.
func (ch *change) stall() time.Duration {
	if ch.conn != nil {
		return ch.conn.StallTimeout()
	}
	return ch.h.stallTimeout()
}

// copyBody is receive by way of a buffer.
func (ch *change) copyBody(f io.WriterAt, at int64, in incoming, limits *netconn.Limits) (err error) {
	ctx, stall := ch.ctx(), ch.stall()
	buffer := copyBuffers.Get().(*[128 << 10]byte)
	defer copyBuffers.Put(buffer)
	fail := func(side sendfile.Side, err error) error {
		return &sendfile.Error{Op: "receive", Side: side, Method: sendfile.Copy, Offset: at + ch.result.Sent, Err: err}
	}
	ch.result.Method = sendfile.Copy
	if in.isBody && ch.r.Body == nil { // as http.NewRequest makes it
		in.Reader = http.NoBody
	}
	disk := ch.transfer.Waiting(f, vfs.MountOfFile(ch.tree, f))
	granted := 0 // bytes that the limits allow and that are not read
	for {
		if granted == 0 {
			if granted, err = limits.Take(len(buffer)); err != nil {
				return fail(sendfile.Peer, err)
			}
		}
		ch.setDeadline(stall)
		if err := ctx.Err(); err != nil { // the end of ctx is followed by a deadline in the past
			return fail(sendfile.Peer, err)
		}
		ch.transfer.Idle(true)
		n, err := in.Read(buffer[:granted])
		ch.transfer.Idle(false)
		granted -= n
		p := buffer[:n]
		if in.limit != nil && ch.result.Sent+int64(n) > in.limit.bytes {
			return in.limit.err
		}
		in.sums.write(p)
		if len(p) > 0 {
			if err := disk.Enter(); err != nil {
				return fail(sendfile.File, err)
			}
			written, err := f.WriteAt(p, at+ch.result.Sent)
			disk.Leave()
			ch.result.Sent += int64(written)
			ch.transfer.Add(sendfile.Result{Sent: int64(written), Method: sendfile.Copy})
			if err != nil {
				return fail(sendfile.File, err)
			}
		}
		switch {
		case err == io.EOF && in.size >= 0 && ch.result.Sent != in.size:
			return fail(sendfile.Peer, io.ErrUnexpectedEOF)
		case err == io.EOF:
			ch.setDeadline(0)
			return nil
		case err != nil:
			return fail(sendfile.Peer, err)
		}
	}
}

// setDeadline bounds the next wait for the client; zero is no bound. If another
// http.Server has a ReadTimeout, only that holds.
func (ch *change) setDeadline(stall time.Duration) {
	if server, ok := ch.r.Context().Value(http.ServerContextKey).(*http.Server); ch.conn == nil && ok && server.ReadTimeout > 0 {
		return
	}
	var at time.Time
	if stall > 0 {
		at = time.Now().Add(stall)
	}
	_ = http.NewResponseController(ch.w).SetReadDeadline(at) // middleware without Unwrap keeps the deadline that there is
}
