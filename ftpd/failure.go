package ftpd

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"slices"
	"syscall"

	ftpserver "github.com/fclairamb/ftpserverlib"

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
		switch {
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

// forClient returns what a client is told of a failed transfer. The library
// has a code of its own, 552, for a full disk.
func forClient(err error) error {
	var t *sendfile.Error
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &errno) && slices.Contains(full[:], errno):
		return ftpserver.ErrStorageExceeded
	case errors.As(err, &t) && t.Timeout():
		return errStalled
	case errors.As(err, &t):
		return bare(t.Err)
	}
	return bare(err)
}

// full are the errors of a write for which there is no room.
var full = [...]syscall.Errno{
	syscall.ENOSPC, // the disk
	syscall.EDQUOT, // the user's share of it
	syscall.EFBIG,  // the file system's, or our own, bound on one file
}
