package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
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
	case strings.HasPrefix(addr, "unix:"):
		return usageError{fmt.Errorf("--%s %q: %s needs an address of IP for its data connections; write it like :2121 or 127.0.0.1:2121", scheme, addr, strings.ToUpper(scheme))}
	case errors.As(err, &bad):
		return usageError{fmt.Errorf("--%s %q is no address: %s; write it like :8080 or 127.0.0.1:8080", scheme, addr, bad.Err)}
	case errors.As(err, &unknown):
		return usageError{fmt.Errorf("--%s %q is no address: %v; write it like :8080 or 127.0.0.1:8080", scheme, addr, unknown)}
	case errors.Is(err, errors.ErrUnsupported):
		return usageError{errors.New("--reuseport does not work on this system; leave it out")}
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program; stop that, or choose another address with --%s", addr, scheme)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not listen on %s; choose a port above 1023 with --%s, or run with CAP_NET_BIND_SERVICE", addr, scheme)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is no address of this machine; choose another with --%s", addr, scheme)
	}
	return fmt.Errorf("cannot listen on %s: %w; choose another address with --%s", addr, err, scheme)
}

// explainUnix says why there can be no socket of that name, and what to do.
func explainUnix(scheme, name string, err error) error {
	switch {
	case errors.Is(err, errNoName):
		return usageError{fmt.Errorf("--%s unix: lacks the name of the socket; write it like unix:/run/sluice.sock", scheme)}
	case errors.Is(err, errNoSocket):
		return fmt.Errorf("%s is there already and is no socket; remove it, or choose another name with --%s", name, scheme)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program; stop that, or choose another name with --%s", name, scheme)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the directory of %s does not exist; make it, or choose another name with --%s", name, scheme)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not make %s; choose another name with --%s", name, scheme)
	case errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("%s is too long for the name of a socket; choose one of at most 100 bytes with --%s", name, scheme)
	}
	return fmt.Errorf("cannot listen on %s: %w; choose another name with --%s", name, err, scheme)
}

// explainCertificate says what is wrong with a certificate or its key, and
// what to do.
func explainCertificate(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; name the files with --tls-cert and --tls-key", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; give this user the right to read it", err)
	}
	return fmt.Errorf("%w; give each --tls-cert the --tls-key that belongs to it, both PEM", err)
}
