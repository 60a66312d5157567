package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"sluice/internal/config"
	"sluice/internal/loopback"
)

// Admin is the scheme of the listener of --admin.
const Admin = "admin"

// Opener opens listeners and closes them. It is for one goroutine.
type Opener struct {
	reusePort int                       // sockets that share each TCP address; 0: one, not shared
	loops     Loops                     // nil: none
	activated map[string][]net.Listener // from systemd and not opened yet, by name
	opened    []net.Listener
	unix      []string // paths of the unix sockets that Open has made
}

// Loops makes the listeners of HTTP, if event loops accept from them.
type Loops interface {
	// Listen listens on a TCP address. With sockets above zero there are at least as many,
	// and other processes may share the address; the error is errors.ErrUnsupported if
	// that is not possible.
	Listen(ctx context.Context, addr string, sockets int) (net.Listener, error)

	// TakeOver returns a listener in place of ln.
	TakeOver(ln net.Listener) (net.Listener, error)
}

// NewOpener returns an Opener that opens reusePort sockets for each TCP address;
// 0 means one that does not share its address. Without loops, no event loop accepts.
func NewOpener(reusePort int, loops Loops) (*Opener, error) {
	activated, err := activatedListeners()
	return &Opener{reusePort: reusePort, loops: loops, activated: activated}, err
}

// Open listens on the address that the flag of that scheme gives. There are
// several listeners if they share an address or come from systemd, and none if
// addr is "".
func (o *Opener) Open(ctx context.Context, scheme, addr string) (all []net.Listener, err error) {
	name, isUnix := strings.CutPrefix(addr, "unix:")
	switch {
	case addr == "":
	case addr == config.Systemd:
		all, err = o.takeActivated(scheme)
	case isUnix && !isFTP(scheme):
		if all, err = listenUnix(ctx, scheme, name); err == nil {
			o.unix = append(o.unix, all[0].Addr().String())
		}
	default:
		shared := o.reusePort
		if scheme == Admin {
			shared = 0 // a question is for this process, not for another one on the same address
		}
		if all, err = o.listenTCP(ctx, scheme, addr, shared); err != nil {
			err = explainTCP(scheme, addr, err)
		}
	}
	if err == nil && o.hasLoops(scheme) {
		err = o.takeOver(all)
	}
	o.opened = append(o.opened, all...)
	return all, err
}

// hasLoops reports whether event loops accept the connections of a scheme.
func (o *Opener) hasLoops(scheme string) bool { return o.loops != nil && scheme == "http" }

// takeOver replaces listeners by those that event loops accept from.
func (o *Opener) takeOver(all []net.Listener) error {
	for i, ln := range all {
		taken, err := o.loops.TakeOver(ln)
		if err != nil {
			return fmt.Errorf("cannot listen on %s: %w", ln.Addr(), err)
		}
		all[i] = taken
	}
	return nil
}

// isFTP reports whether a scheme needs IP addresses, because it opens data
// connections next to the connection of the commands.
func isFTP(scheme string) bool { return scheme == "ftp" || scheme == "ftps" }

// Addrs returns the addresses of all listeners.
func (o *Opener) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(o.opened))
	for i, ln := range o.opened {
		addrs[i] = ln.Addr()
	}
	return addrs
}

// ReleaseUnix calls chown with the path of each unix socket that Open has made
// and returns the paths. The caller removes the sockets at the end; Close no
// longer does.
func (o *Opener) ReleaseUnix(chown func(path string) error) (paths []string, err error) {
	for _, ln := range o.opened {
		path := ln.Addr().String()
		socket, ok := ln.(interface{ SetUnlinkOnClose(unlink bool) })
		if !ok || !slices.Contains(o.unix, path) {
			continue // TCP, or a socket that systemd removes
		}
		if err := chown(path); err != nil {
			return nil, err
		}
		socket.SetUnlinkOnClose(false)
		paths = append(paths, path)
	}
	return paths, nil
}

// Close closes all listeners, also those that systemd handed over and Open was not
// asked for.
func (o *Opener) Close() {
	closeAll(o.opened)
	for _, unused := range o.activated {
		closeAll(unused)
	}
}

func closeAll(listeners []net.Listener) {
	for _, ln := range listeners {
		_ = ln.Close()
	}
}

// Check checks an address without listening on it and returns it if it is of TCP,
// else nil. Whether the address is in use shows only when it is opened.
func Check(scheme, addr string) (*net.TCPAddr, error) {
	name, isUnix := strings.CutPrefix(addr, "unix:")
	switch {
	case addr == config.Systemd:
		return nil, nil
	case isUnix && !isFTP(scheme):
		if name == "" {
			return nil, explainUnix(scheme, name, errNoName)
		}
		return nil, nil
	}
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, explainTCP(scheme, addr, err)
	}
	return tcp, nil
}

// listenTCP opens the listeners of a TCP address: one, or shared that share the address.
// For event loops it is one that has all sockets.
func (o *Opener) listenTCP(ctx context.Context, scheme, addr string, shared int) ([]net.Listener, error) {
	if !o.hasLoops(scheme) {
		return listenEach(ctx, addr, shared)
	}
	ln, err := o.loops.Listen(ctx, addr, shared)
	switch {
	case err == nil:
		return []net.Listener{ln}, nil
	case errors.Is(err, errors.ErrUnsupported):
		return listenEach(ctx, addr, shared) // systems without event loops may share addresses
	}
	return nil, err
}

// listenEach opens a listener, or shared listeners that share the address.
func listenEach(ctx context.Context, addr string, shared int) (all []net.Listener, err error) {
	lc := net.ListenConfig{Control: loopback.Control}
	lc.SetMultipathTCP(false)
	if shared > 0 {
		lc.Control = func(network, address string, c syscall.RawConn) error {
			return errors.Join(setReusePort(network, address, c), loopback.Control(network, address, c))
		}
	}
	for len(all) < max(shared, 1) {
		ln, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			closeAll(all)
			return nil, err
		}
		all = append(all, ln)
		addr = ln.Addr().String() // the same port, if the system chose it
	}
	return all, nil
}

// listenUnix opens a unix socket.
func listenUnix(ctx context.Context, scheme, name string) ([]net.Listener, error) {
	path, err := filepath.Abs(name)
	if err != nil || name == "" {
		return nil, explainUnix(scheme, name, errNoName)
	}
	ln, err := openUnix(ctx, path)
	if err != nil {
		return nil, explainUnix(scheme, path, err)
	}
	return []net.Listener{ln}, nil
}
