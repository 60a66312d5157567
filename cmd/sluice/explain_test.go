package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestExplainRootSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"missing", syscall.ENOENT, "dir does not exist; name the directory to serve: sluice serve DIR"},
		{"not a directory", syscall.ENOTDIR, "dir is not a directory; name the directory to serve: sluice serve DIR"},
		{"not to be read", syscall.EACCES, "dir may not be read by this user; give it the right to read and enter the directory, or serve another"},
		{"a broken disk", syscall.EIO, "open dir: input/output error; name the directory to serve: sluice serve DIR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := explainRoot("dir", &fs.PathError{Op: "open", Path: "dir", Err: tt.err}).Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestExplainListenSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name    string
		err     error
		want    string
		misused bool
	}{
		{"in use", os.NewSyscallError("bind", syscall.EADDRINUSE), "stop that, or choose another address with --ftp", false},
		{"a privileged port", os.NewSyscallError("bind", syscall.EACCES), "choose a port above 1023 with --ftp", false},
		{"somebody else's address", os.NewSyscallError("bind", syscall.EADDRNOTAVAIL), "no address of this machine; choose another with --ftp", false},
		{"no port", &net.AddrError{Err: "missing port in address", Addr: "x"}, "write it like :8080", true},
		{"no such host", &net.DNSError{Err: "no such host", Name: "x"}, "write it like :8080", true},
		{"sockets that cannot share", errors.ErrUnsupported, "--reuseport does not work on this system", true},
		{"anything else", syscall.ENOBUFS, "cannot listen on x:", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := explainListen("ftp", "x", &net.OpError{Op: "listen", Net: "tcp", Err: tt.err})
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.want)
			}
			if got := errors.As(err, new(usageError)); got != tt.misused {
				t.Errorf("a usage error: %v, want %v", got, tt.misused)
			}
		})
	}
}

func TestExplainUnixSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name    string
		err     error
		want    string
		misused bool
	}{
		{"no name", errNoName, "write it like unix:/run/sluice.sock", true},
		{"another file of that name", errNoSocket, "remove it, or choose another name with --https", false},
		{"in use", os.NewSyscallError("bind", syscall.EADDRINUSE), "stop that, or choose another name with --https", false},
		{"no directory", os.NewSyscallError("bind", syscall.ENOENT), "make it, or choose another name with --https", false},
		{"no permission", os.NewSyscallError("bind", syscall.EACCES), "this user may not make x;", false},
		{"a long name", os.NewSyscallError("bind", syscall.EINVAL), "at most 100 bytes with --https", false},
		{"anything else", syscall.ENOBUFS, "cannot listen on x:", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := explainUnix("https", "x", &net.OpError{Op: "listen", Net: "unix", Err: tt.err})
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.want)
			}
			if got := errors.As(err, new(usageError)); got != tt.misused {
				t.Errorf("a usage error: %v, want %v", got, tt.misused)
			}
		})
	}
}
