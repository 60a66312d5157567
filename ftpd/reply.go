package ftpd

import (
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
	"sluice/internal/durable"
	"sluice/internal/live"
	"sluice/internal/upload"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// unavailable tells why a file cannot be had.
func unavailable(err error) reply {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return say(550, "No such file or directory")
	case errors.Is(err, vfs.ErrLeadsOut), errors.Is(err, vfs.ErrTooManyEntries): // no right would help
		return say(550, sentence(reasonOf(err)))
	case errors.Is(err, fs.ErrPermission):
		return say(550, "Permission denied")
	case errors.As(err, new(*durable.Error)):
		return say(451, sentence(reasonOf(err)))
	case errors.Is(err, errors.ErrUnsupported):
		return say(504, "The file system cannot do that")
	}
	return say(550, sentence(reasonOf(err)))
}

// opening returns the text of reply 150. Clients look for the number before
// "bytes)".
func (op *operation) opening() string {
	const text = "Opening data connection"
	switch {
	case op.intro != "":
		return op.intro
	case op.size < 0:
		return text
	}
	return string(append(strconv.AppendInt([]byte(text+" ("), op.size, 10), " bytes)"...))
}

// final returns the last reply of the operation, which is r where
// nothing better is known. allocated is what ALLO has announced; negative: nothing.
func (op *operation) final(r reply, allocated int64) reply {
	err := op.failure
	if op.result != nil && op.result.Err != nil {
		err = op.result.Err
	}
	switch {
	case op.ctx.Err() != nil && r.Code/100 != 2 && op.aborts > 0 && !errors.Is(err, upload.ErrUncertain):
		return say(426, "Transfer aborted"+op.kept())
	case err != nil:
		return say(op.codeOf(err), sentence(reasonOf(err))+op.kept())
	case r.Code != 226 || op.result == nil:
		return r
	}
	lines := []string{"Transfer complete: " + summary(op.result)}
	if op.result.Op == Store && allocated >= 0 && allocated != op.result.Sent {
		lines = append([]string{fmt.Sprintf("ALLO announced %d bytes", allocated)}, lines...)
	}
	return say(226, lines...)
}

// kept tells what the client can resume; "": nothing.
func (op *operation) kept() string {
	if op.result == nil || op.result.Kept == 0 {
		return ""
	}
	return fmt.Sprintf("; %d bytes are kept, resume with REST %d", op.result.Kept, op.result.Kept)
}

// rateWorthTelling is how many bytes must have gone for their rate to tell of
// anything but the time that a reply takes.
const rateWorthTelling = 1 << 20

// summary tells what went, how fast, and by which method. It is made for each
// small file, so without package fmt, which takes longer than all the rest of
// the reply.
func summary(t *Transfer) string {
	b := make([]byte, 0, 64)
	b = append(strconv.AppendInt(b, t.Sent, 10), " bytes in "...)
	b = append(strconv.AppendFloat(b, t.Duration.Seconds(), 'f', 3, 64), " s"...)
	if t.Sent >= rateWorthTelling && t.Duration > 0 {
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

// sentence returns text with a capital.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return control.Upper(text[:1]) + text[1:]
}

// bare takes off the operations, paths and addresses that the standard library
// puts around an error. The client knows what it asked for and must not know where
// that lies.
func bare(err error) error {
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
			return err // what they say of the file counts
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

// codeOf returns the code that says whose fault err is (RFC 959, 5.4): 425 and
// 426 are for the client's connection, 45x and 55x for the file.
func (op *operation) codeOf(err error) int {
	var t *sendfile.Error
	isTransfer := errors.As(err, &t)
	switch {
	case errors.Is(err, errAborted):
		return 426
	case errors.Is(err, ErrServerClosed):
		return 421
	case errors.Is(err, dataconn.ErrNotResumed):
		return 522
	case errors.Is(err, upload.ErrBusy):
		return 450
	case errors.Is(err, syscall.ENOSPC):
		return 452
	case isBeyondQuota(err):
		return 552
	case errors.Is(err, errName), errors.Is(err, fs.ErrExist):
		return 553
	case errors.Is(err, errNoDirectory):
		return 501
	case isTransfer && t.Side == sendfile.File:
		return 451
	case isTransfer:
		return 426
	case op.opened && op.failure != nil:
		return 426
	case op.failure != nil:
		return 425
	case op.opened:
		return 451
	}
	return 550
}

// isBeyondQuota reports whether a file may not become so large.
func isBeyondQuota(err error) bool {
	return errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) || errors.Is(err, ftpserver.ErrStorageExceeded)
}

// reasonOf returns what the client is told of err, which names no path of ours.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, upload.ErrUncertain): // whatever else has failed
		return upload.ErrUncertain.Error()
	case errors.Is(err, errAborted): // around it stands how
		return errAborted.Error()
	case isStall(err):
		return errStalled.Error()
	case errors.As(err, new(*vfs.PanicError)):
		return "the file system has failed"
	}
	var unsure *durable.Error
	if errors.As(err, &unsure) {
		return (&durable.Error{Err: bare(unsure.Err)}).Error()
	}
	return bare(err).Error()
}
