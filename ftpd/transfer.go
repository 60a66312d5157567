package ftpd

import (
	"context"
	"errors"
	"net"
	"time"

	"sluice/sendfile"
)

// transfer is what RETR, STOR and APPE have in common. The library calls its
// methods on one goroutine, that of the command, and Close last.
type transfer struct {
	session *session
	begun   time.Time
	told    Transfer // what OnTransfer will be told; Err is the first error
}

var (
	errAborted       = errors.New("aborted by the client")
	errNotForWriting = errors.New("not open for writing")
	errNotForReading = errors.New("not open for reading")
	errOffset        = errors.New("offset is not in the file")
)

// TransferError is told by the library that a transfer did not end normally,
// also when the data connection could not be opened.
func (t *transfer) TransferError(err error) { t.fail(err) }

// fail keeps the first error, which is the cause of the others.
func (t *transfer) fail(err error) {
	if t.told.Err == nil {
		t.told.Err = err
	}
}

// reason returns why a transfer failed. Connections are closed to end one, and
// that they were is not the reason.
func (t *transfer) reason(err error) error {
	var e *sendfile.Error
	if !errors.As(err, &e) || !errors.Is(err, net.ErrClosed) {
		return err
	}
	told := *e
	if told.Err = errAborted; t.session.ctx.Err() != nil {
		told.Err = context.Cause(t.session.ctx)
	}
	return &told
}

// end tells of the transfer and lets the session go, in this order, so that
// Shutdown returns after the last OnTransfer.
func (t *transfer) end(err error) {
	defer t.session.closeTransfer()
	t.report(err)
}

func (t *transfer) report(err error) {
	t.fail(err)
	t.told.Duration = time.Since(t.begun)
	if hook := t.session.server.OnTransfer; hook != nil {
		hook(t.told)
	}
}
