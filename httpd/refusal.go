package httpd

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"syscall"

	"sluice/httpd/internal/plan"
	"sluice/internal/budget"
	"sluice/internal/durable"
	"sluice/internal/upload"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// refusal is why a change is not made: a status and a reason for the client. Nothing of
// the request is in the reason.
type refusal struct {
	status int
	reason string
	cause  error // for the operator, and for package upload; nil: none

	members []plan.Member // more of the reason, for programs

	isForRight bool // a right is missing, which users who log in may have
}

func (e *refusal) Error() string { return e.reason }
func (e *refusal) Unwrap() error { return e.cause }

// refuse returns a refusal because of the request alone.
func refuse(status int, reason string) *refusal { return &refusal{status: status, reason: reason} }

var (
	errCondition = &refusal{status: http.StatusPreconditionFailed, reason: "The file is not the one that the condition names, or it exists already.", cause: fs.ErrExist}
	errTooLarge  = &refusal{status: http.StatusRequestEntityTooLarge, reason: "The file is larger than this server accepts.", cause: upload.ErrUntrusted}
	errStopped   = &refusal{status: http.StatusConflict, reason: "Another request has gone on with this upload.", cause: net.ErrClosed}
	errDigest    = &refusal{status: http.StatusBadRequest, reason: "The body does not have the announced checksum.", cause: upload.ErrUntrusted}

	errNeedsCreate = &refusal{status: http.StatusForbidden, reason: `This needs the right "create": there is no file of this name.`, cause: fs.ErrPermission}
	errOtherRights = &refusal{status: http.StatusForbidden, reason: "There is a path in this directory to which you have other rights.", cause: fs.ErrPermission}
	errNeedsChange = &refusal{status: http.StatusForbidden, reason: `This needs the right "change": there is a file of this name.`, cause: fs.ErrExist}
	errIsDirectory = &refusal{status: http.StatusConflict, reason: "This is the name of a directory.", cause: syscall.EISDIR}
)

// needs returns the refusal of a method that needs one of some rights, which the client has
// not for this name. If it has them for no file, the method is none that it may use.
func (ch *change) needs(some Rights, names string) *refusal {
	status := http.StatusForbidden
	if ch.h.Write&some == 0 {
		status = http.StatusMethodNotAllowed
	}
	return refuse(status, "This needs the right "+names+".")
}

func (ch *change) needsUpload() *refusal { return ch.needs(Create|Change, `"create" or "change"`) }

// explain returns the status and the reason for the client.
func (ch *change) explain(err error) *refusal {
	var known *refusal
	var transferErr *sendfile.Error
	var tooLong *http.MaxBytesError
	var locked *upload.LockedError
	if bound := ch.boundRefusal(err); bound != nil {
		return bound
	}
	if failure := vfs.StoreFailure(err); failure != nil {
		return refuse(plan.OfStore(failure))
	}
	switch {
	case errors.As(err, new(*durable.Error)):
		return refuse(http.StatusInternalServerError, "The change was made, but the disk failed: it may not survive a crash.")
	case errors.Is(err, errTooLarge) && ch.h.MaxUpload > 0:
		return refuse(errTooLarge.status, fmt.Sprintf("The file is larger than the %d bytes that this server accepts.", ch.h.MaxUpload))
	case errors.As(err, &known):
		return known
	case errors.As(err, &tooLong):
		return errTooLarge
	case errors.As(err, &locked):
		return lockedRefusal(locked)
	case errors.As(err, &transferErr) && transferErr.Timeout():
		return refuse(http.StatusRequestTimeout, "The body stalled. Nothing was changed.")
	case errors.As(err, &transferErr) && transferErr.Side == sendfile.Peer:
		return refuse(http.StatusBadRequest, "The body is malformed, or ended early. Nothing was changed.")
	case vfs.IsFull(err):
		return refuse(http.StatusInsufficientStorage, "The disk has no room for this file. Nothing was changed.")
	case errors.Is(err, syscall.EFBIG):
		return errTooLarge
	case errors.Is(err, vfs.ErrReadOnly), errors.Is(err, syscall.EROFS):
		return refuse(http.StatusForbidden, "The file system is read-only.")
	case vfs.IsOtherDevice(err):
		return refuse(http.StatusBadGateway, "The new name is on another file system, where nothing can be moved. Copy it, and delete it then.")
	case errors.Is(err, errors.ErrUnsupported):
		return refuse(http.StatusForbidden, sentence(cmp.Or(vfs.Refusal(err), "the file system cannot do that")))
	case errors.Is(err, vfs.ErrPlace):
		return refuse(http.StatusForbidden, "Another file system is shown here, which cannot be moved, replaced or removed.")
	case errors.Is(err, vfs.ErrOutside):
		return refuse(http.StatusForbidden, "The name leads out of the served directory.")
	case errors.Is(err, syscall.EISDIR):
		return errIsDirectory
	case ch.stores && errors.Is(err, fs.ErrExist):
		return refuse(http.StatusConflict, "Another file or directory has got this name meanwhile.")
	case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTEMPTY):
		return refuse(http.StatusConflict, "The directory is not empty.")
	case errors.Is(err, upload.ErrBusy):
		return refuse(http.StatusConflict, "Another transfer writes to this file.")
	case errors.Is(err, fs.ErrPermission):
		return refuse(http.StatusForbidden, "The server has no permission to change this.")
	case errors.Is(err, vfs.ErrNotResponding), vfs.IsUnavailable(err):
		return refuse(http.StatusServiceUnavailable, "The file system where this is does not answer.")
	case vfs.IsExhausted(err), budget.IsRefusal(err):
		return refuse(http.StatusServiceUnavailable, "Too much is going on. Try again soon.")
	case errors.Is(err, fs.ErrInvalid), vfs.IsInvalidName(err):
		return refuse(http.StatusBadRequest, "No file can have this name.")
	case ch.stores && (errors.Is(err, fs.ErrNotExist) || vfs.IsInvalidPath(err)):
		return refuse(http.StatusConflict, "There is no directory to put the file in.")
	case errors.Is(err, fs.ErrNotExist), vfs.IsInvalidPath(err):
		return refuse(http.StatusNotFound, "There is nothing here.")
	}
	return refuse(http.StatusInternalServerError, "The file system failed. The operator can find the reason in the log.")
}
