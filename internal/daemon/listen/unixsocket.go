package listen

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// unixMode lets the user and the group of the server connect. Until it is set the
// umask decides.
const unixMode fs.FileMode = 0o660

var (
	errNoName   = errors.New("the name is missing")
	errNoSocket = errors.New("a file of that name exists and is not a socket")
)

// openUnix listens on a unix socket. Closing the listener removes it. A stale
// socket of that name is replaced.
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

// removeStale removes a unix socket without a listener. The error is EADDRINUSE if a
// program listens on it.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // removed in the meantime
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
		return syscall.EADDRINUSE // a busy listener, or one that refuses this user
	}
	return os.Remove(path)
}
