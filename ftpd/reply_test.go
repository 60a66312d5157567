package ftpd_test

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"sluice/ftpd"
	"sluice/sendfile"
)

func TestErrorTextContainsNoPath(t *testing.T) {
	secret := func(err error) error { return &fs.PathError{Op: "write", Path: "/srv/secret", Err: err} }
	transfer := func(side sendfile.Side, err error) error {
		return &sendfile.Error{Op: "receive", Side: side, Err: err}
	}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"a file that is missing", secret(syscall.ENOENT), "no such file or directory"},
		{"a rename", &os.LinkError{Op: "rename", Old: "/srv/a", New: "/srv/b", Err: syscall.EACCES}, "permission denied"},
		{"a connection", &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "connection reset by peer"},
		{"a file that ended early", transfer(sendfile.File, io.ErrUnexpectedEOF), "unexpected EOF"},
		{"a wrapped path", fmt.Errorf("opening: %w", secret(syscall.EIO)), "input/output error"},
		{"a full disk", transfer(sendfile.File, secret(syscall.ENOSPC)), "no space left on device"},
		{"a stall", transfer(sendfile.Peer, os.ErrDeadlineExceeded), "no byte moved for too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ftpd.ErrorText(tt.err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
