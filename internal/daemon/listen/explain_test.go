package listen

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/config"
)

func TestExplainTCPSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name    string
		err     error
		want    string
		misused bool
	}{
		{"in use", os.NewSyscallError("bind", syscall.EADDRINUSE), "stop that, or choose another address with --ftp", false},
		{"a privileged port", os.NewSyscallError("bind", syscall.EACCES), "choose a port above 1023 with --ftp", false},
		{"the address of another machine", os.NewSyscallError("bind", syscall.EADDRNOTAVAIL), "not an address of this machine; choose another with --ftp", false},
		{"no port", &net.AddrError{Err: "missing port in address", Addr: "x"}, "write it like :8080", true},
		{"no such host", &net.DNSError{Err: "no such host", Name: "x"}, "write it like :8080", true},
		{"sockets that cannot share", errors.ErrUnsupported, "--reuseport does not work on this system", true},
		{"anything else", syscall.ENOBUFS, "cannot listen on x:", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := explainTCP("ftp", "x", &net.OpError{Op: "listen", Net: "tcp", Err: tt.err})
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.want)
			}
			if got := errors.As(err, new(config.UsageError)); got != tt.misused {
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
		{"another file of that name", errNoSocket, "remove it, or choose another path with --https", false},
		{"in use", os.NewSyscallError("bind", syscall.EADDRINUSE), "stop that, or choose another path with --https", false},
		{"no directory", os.NewSyscallError("bind", syscall.ENOENT), "make it, or choose another path with --https", false},
		{"no permission", os.NewSyscallError("bind", syscall.EACCES), "this user may not make x;", false},
		{"a long name", os.NewSyscallError("bind", syscall.EINVAL), "at most 100 bytes with --https", false},
		{"anything else", syscall.ENOBUFS, "cannot listen on x:", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := explainUnix("https", "x", &net.OpError{Op: "listen", Net: "unix", Err: tt.err})
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.want)
			}
			if got := errors.As(err, new(config.UsageError)); got != tt.misused {
				t.Errorf("a usage error: %v, want %v", got, tt.misused)
			}
		})
	}
}
