package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"sluice/internal/config"
)

// explainTCP explains why listening on the address of a scheme's flag failed, and
// what to do.
func explainTCP(scheme, addr string, err error) error {
	var bad *net.AddrError
	var unknown *net.DNSError
	switch {
	case strings.HasPrefix(addr, "unix:"):
		return config.UsageError{Err: fmt.Errorf("--%s %q: %s needs an IP address for its data connections; write it like :2121 or 127.0.0.1:2121", scheme, addr, strings.ToUpper(scheme))}
	case errors.As(err, &bad):
		return config.UsageError{Err: fmt.Errorf("--%s %q is not an address: %s; write it like :8080 or 127.0.0.1:8080", scheme, addr, bad.Err)}
	case errors.As(err, &unknown):
		return config.UsageError{Err: fmt.Errorf("--%s %q is not an address: %v; write it like :8080 or 127.0.0.1:8080", scheme, addr, unknown)}
	case errors.Is(err, errors.ErrUnsupported):
		return config.UsageError{Err: errors.New("--reuseport does not work on this system; leave it out")}
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program; stop that, or choose another address with --%s", addr, scheme)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not listen on %s; choose a port above 1023 with --%s, or run with CAP_NET_BIND_SERVICE", addr, scheme)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this machine; choose another with --%s", addr, scheme)
	}
	return fmt.Errorf("cannot listen on %s: %w; choose another address with --%s", addr, err, scheme)
}

// explainUnix explains why a unix socket cannot be opened, and what to do.
func explainUnix(scheme, name string, err error) error {
	switch {
	case errors.Is(err, errNoName):
		return config.UsageError{Err: fmt.Errorf("--%s unix: lacks the path of the socket; write it like unix:/run/sluice.sock", scheme)}
	case errors.Is(err, errNoSocket):
		return fmt.Errorf("%s exists and is not a socket; remove it, or choose another path with --%s", name, scheme)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program; stop that, or choose another path with --%s", name, scheme)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the directory of %s does not exist; make it, or choose another path with --%s", name, scheme)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not make %s; choose another path with --%s", name, scheme)
	case errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("%s is too long for a unix socket; choose a path of at most 100 bytes with --%s", name, scheme)
	}
	return fmt.Errorf("cannot listen on %s: %w; choose another path with --%s", name, err, scheme)
}
