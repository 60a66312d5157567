package ftpd

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/ftpd/internal/control"
	"sluice/ftpd/internal/dataconn"
	"sluice/internal/budget"
	"sluice/internal/durable"
	"sluice/internal/live"
	"sluice/internal/quota"
	"sluice/internal/upload"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// fileErrorReply returns the reply to a command that a file or the file system has
// failed with err.
func fileErrorReply(err error) reply {
	switch {
	case isOverBound(err):
		return newReply(boundCode(err), capitalize(errorText(err)))
	case vfs.StoreFailure(err) != nil:
		return newReply(storeCode(err), capitalize(errorText(err)))
	case errors.Is(err, fs.ErrNotExist):
		return newReply(550, "No such file or directory")
	case errors.Is(err, vfs.ErrLeadsOut), errors.Is(err, vfs.ErrTooManyEntries), errors.Is(err, vfs.ErrPlace), errors.As(err, new(*missingRight)): // they say more than "Permission denied"
		return newReply(550, capitalize(errorText(err)))
	case errors.Is(err, vfs.ErrNotResponding), vfs.IsUnavailable(err): // it may later
		return newReply(450, capitalize(vfs.ErrNotResponding.Error()))
	case errors.Is(err, fs.ErrPermission):
		return newReply(550, "Permission denied")
	case errors.As(err, new(*durable.Error)):
		return newReply(451, capitalize(errorText(err)))
	case errors.Is(err, errors.ErrUnsupported):
		return newReply(504, capitalize(cmp.Or(vfs.Refusal(err), "the file system cannot do that")))
	case vfs.IsOtherDevice(err):
		return newReply(550, "The new name is on another file system, where nothing can be moved; copy it, and delete it then")
	case errors.Is(err, errNoRecursion):
		return newReply(504, capitalize(errorText(err)))
	case isLocked(err):
		return newReply(450, capitalize(errorText(err)))
	case budget.IsRefusal(err):
		return newReply(450, "Too much is going on: "+errorText(err)+"; try again soon")
	}
	return newReply(550, capitalize(errorText(err)))
}

// openingReply returns the text of reply 150. Clients look for the number before
// "bytes)".
func (op *operation) openingReply() string {
	const text = "Opening data connection"
	switch {
	case op.openingText != "":
		return op.openingText
	case op.size < 0:
		return text
	}
	return string(append(strconv.AppendInt([]byte(text+" ("), op.size, 10), " bytes)"...))
}

// finalReply returns the last reply of the operation: r, unless the operation's result
// or dataErr says more. allocated is the size that ALLO has announced; negative: none.
func (op *operation) finalReply(r reply, allocated int64) reply {
	err := op.dataErr
	if op.result != nil && op.result.Err != nil {
		err = op.result.Err
	}
	switch {
	case op.ctx.Err() != nil && r.Code/100 != 2 && op.aborts > 0 && !errors.Is(err, upload.ErrUncertain):
		return newReply(426, "Transfer aborted"+op.resumeHint())
	case err != nil:
		return newReply(op.replyCode(err), capitalize(errorText(err))+op.resumeHint())
	case r.Code != 226 || op.result == nil:
		return r
	}
	lines := []string{"Transfer complete: " + summary(op.result)}
	if op.result.Op == Store && allocated >= 0 && allocated != op.result.Sent {
		lines = append([]string{fmt.Sprintf("ALLO announced %d bytes", allocated)}, lines...)
	}
	return newReply(226, lines...)
}

// resumeHint returns the end of a reply that says how to resume the upload; "": it
// cannot be resumed.
func (op *operation) resumeHint() string {
	if op.result == nil || op.result.Kept == 0 {
		return ""
	}
	return fmt.Sprintf("; %d bytes are kept, resume with REST %d", op.result.Kept, op.result.Kept)
}

// minBytesForRate is the size from which summary shows a rate. That of smaller transfers
// would mostly measure the latency of the replies.
const minBytesForRate = 1 << 20

// summary returns the size, duration, rate, method and bottleneck of a transfer. It does
// not use package fmt, which would take longer than the rest of the reply to a small
// file.
func summary(t *Transfer) string {
	b := make([]byte, 0, 64)
	b = append(strconv.AppendInt(b, t.Sent, 10), " bytes in "...)
	b = append(strconv.AppendFloat(b, t.Duration.Seconds(), 'f', 3, 64), " s"...)
	if t.Sent >= minBytesForRate && t.Duration > 0 {
		rate := float64(t.Sent) / t.Duration.Seconds() / 1e6
		b = append(strconv.AppendFloat(append(b, ", "...), rate, 'f', 1, 64), " MB/s"...)
	}
	if t.Method != sendfile.Auto {
		b = append(append(b, ", "...), t.Method.String()...)
	}
	if t.Cause != live.Unknown {
		b = append(append(b, ", held back by: "...), t.Cause.String()...)
	}
	return string(b)
}

// capitalize returns text with a capital first letter.
func capitalize(text string) string {
	if text == "" {
		return text
	}
	return control.Upper(text[:1]) + text[1:]
}

// stripPaths removes the operations, paths and addresses that the standard library adds
// to an error. The client must not learn where a file lies on this host.
func stripPaths(err error) error {
	for {
		var path *fs.PathError
		var link *os.LinkError
		var call *os.SyscallError
		var op *net.OpError
		var transfer *sendfile.Error
		switch {
		case errors.As(err, &transfer):
			err = transfer.Err
		case errors.As(err, new(*durable.Error)), errors.Is(err, upload.ErrUncertain):
			return err // their text is about the file
		case vfs.StoreFailure(err) != nil:
			return err // errorText has another text for the client
		case errors.As(err, &path):
			err = path.Err
		case errors.As(err, &link):
			err = link.Err
		case errors.As(err, &op):
			err = op.Err
		case errors.As(err, &call):
			err = call.Err
		default:
			return err
		}
	}
}

// replyCode returns the reply code for err (RFC 959, 5.4): 425 and 426 if the client's
// connection has failed, 45x and 55x if the file has.
func (op *operation) replyCode(err error) int {
	var t *sendfile.Error
	isTransfer := errors.As(err, &t)
	switch {
	case errors.Is(err, errAborted):
		return 426
	case errors.Is(err, ErrServerClosed):
		return 421
	case errors.Is(err, dataconn.ErrStranger):
		return 425
	case errors.Is(err, dataconn.ErrNotResumed):
		return 522
	case errors.Is(err, upload.ErrBusy), isLocked(err), budget.IsRefusal(err), errors.Is(err, vfs.ErrNotResponding) && !op.opened,
		vfs.IsUnavailable(err) && op.dataErr == nil && !isTransfer && !op.opened:
		return 450
	case errors.Is(err, errNoRecursion):
		return 504
	case vfs.StoreFailure(err) != nil && !op.opened:
		return storeCode(err)
	case isOverBound(err):
		return boundCode(err)
	case isBeyondQuota(err):
		return 552
	case errors.Is(err, vfs.ErrNotResponding) && !op.opened:
		return 450
	case vfs.IsFull(err):
		return 452
	case errors.Is(err, errName), errors.Is(err, fs.ErrExist):
		return 553
	case errors.Is(err, errNoDirectory):
		return 501
	case isTransfer && t.Side == sendfile.File:
		return 451
	case isTransfer:
		return 426
	case op.opened && op.dataErr != nil:
		return 426
	case op.dataErr != nil:
		return 425
	case op.opened:
		return 451
	}
	return 550
}

// isOverBound reports whether an upload was refused for a quota or for the reserve of the
// disk.
func isOverBound(err error) bool { return errors.As(err, new(*quota.Error)) }

// boundCode returns the reply code for such an error: 552 if the file can never fit, so that
// clients do not try again, and else 452, or 450 until the files are counted.
func boundCode(err error) int {
	var e *quota.Error
	errors.As(err, &e)
	switch {
	case e.Reason == quota.Counting:
		return 450
	case e.TooLarge:
		return 552
	}
	return 452
}

// storeCode returns the reply code for a failure of an object store before a transfer: 450 if that may pass, else 451.
func storeCode(err error) int {
	if vfs.StoreFailure(err) == vfs.ErrStoreFailed {
		return 451
	}
	return 450
}

// isLocked reports whether a lock of a WebDAV client protects the file.
func isLocked(err error) bool { return errors.As(err, new(*upload.LockedError)) }

// isBeyondQuota reports whether the file exceeds a quota or a size limit.
func isBeyondQuota(err error) bool {
	return errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) || errors.Is(err, ftpserver.ErrStorageExceeded)
}

// errorText returns the text of err for the client. It contains no path of this host.
func errorText(err error) string {
	switch {
	case errors.Is(err, upload.ErrUncertain): // more important than any other failure
		return upload.ErrUncertain.Error()
	case errors.Is(err, errAborted): // without the error around it
		return errAborted.Error()
	case isStall(err):
		return errStalled.Error()
	case errors.As(err, new(*vfs.PanicError)):
		return "the file system has failed"
	}
	if failure := vfs.StoreFailure(err); failure != nil {
		return failure.Error()
	}
	var unsure *durable.Error
	if errors.As(err, &unsure) {
		return (&durable.Error{Err: stripPaths(unsure.Err)}).Error()
	}
	return stripPaths(err).Error()
}
