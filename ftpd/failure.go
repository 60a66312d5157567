package ftpd

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"

	"sluice/internal/upload"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// bare takes off the operations, paths and addresses that the standard library
// puts around an error. The library sends errors to the client, who knows what
// it asked for and must not know where that lies.
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
	case errors.Is(err, errReuse):
		return 522
	case errors.Is(err, upload.ErrBusy):
		return 450
	case errors.Is(err, syscall.ENOSPC):
		return 452
	case errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
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

// reasonOf returns what the client is told of err, which names no path of ours.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, errAborted): // around it stands how
		return errAborted.Error()
	case isStall(err):
		return errStalled.Error()
	case errors.As(err, new(*vfs.PanicError)):
		return "the file system has failed"
	}
	return bare(err).Error()
}
