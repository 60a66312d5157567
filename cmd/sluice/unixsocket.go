package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// unixMode lets nobody in but user and group of the server, where a proxy
// belongs. Until it is set the umask holds.
const unixMode fs.FileMode = 0o660

var (
	errNoName   = errors.New("there is no name")
	errNoSocket = errors.New("there is a file of that name, and it is no socket")
)

// openUnix listens on a socket of that name, which goes with the listener.
// The socket of a server that was killed is replaced.
func openUnix(ctx context.Context, path string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err := removeStale(ctx, path); err != nil {
			return nil, err
		}
		ln, err = lc.Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, unixMode); err != nil {
		_ = ln.Close()
		return nil, err
	}
	return ln, nil
}

// removeStale removes a socket that nobody listens on. Its error is EADDRINUSE
// if somebody does.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // it has just gone
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errNoSocket
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = c.Close()
		return syscall.EADDRINUSE
	case !errors.Is(err, syscall.ECONNREFUSED):
		return syscall.EADDRINUSE // there may be somebody who is busy, or not for us
	}
	return os.Remove(path)
}
