package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
)

// explainRoot says what is wrong with the directory to serve, and what to do.
func explainRoot(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist; name the directory to serve: sluice serve DIR", dir)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s is not a directory; name the directory to serve: sluice serve DIR", dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be read by this user; give it the right to read and enter the directory, or serve another", dir)
	}
	return fmt.Errorf("%w; name the directory to serve: sluice serve DIR", err)
}

// explainListen says why the address that the flag of that scheme gives
// cannot be listened on, and what to do.
func explainListen(scheme, addr string, err error) error {
	var bad *net.AddrError
	var unknown *net.DNSError
	switch {
	case errors.As(err, &bad):
		return usageError{fmt.Errorf("--%s %q is no address: %s; write it like :8080 or 127.0.0.1:8080", scheme, addr, bad.Err)}
	case errors.As(err, &unknown):
		return usageError{fmt.Errorf("--%s %q is no address: %v; write it like :8080 or 127.0.0.1:8080", scheme, addr, unknown)}
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program; stop that, or choose another address with --%s", addr, scheme)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not listen on %s; choose a port above 1023 with --%s, or run with CAP_NET_BIND_SERVICE", addr, scheme)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is no address of this machine; choose another with --%s", addr, scheme)
	}
	return fmt.Errorf("cannot listen on %s: %w; choose another address with --%s", addr, err, scheme)
}
