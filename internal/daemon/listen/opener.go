package listen

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"sluice/internal/config"
)

// Admin is the scheme of the listener of --admin.
const Admin = "admin"

// Opener opens listeners and closes them. It is for one goroutine.
type Opener struct {
	reusePort int                       // sockets that share each TCP address; 0: one, not shared
	activated map[string][]net.Listener // from systemd and not opened yet, by name
	opened    []net.Listener
	unix      []string // paths of the unix sockets that Open has made
}

// NewOpener returns an Opener that opens reusePort sockets for each TCP address;
// 0 means one that does not share its address.
func NewOpener(reusePort int) (*Opener, error) {
	activated, err := activatedListeners()
	return &Opener{reusePort: reusePort, activated: activated}, err
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
		if all, err = listenTCP(ctx, addr, shared); err != nil {
			err = explainTCP(scheme, addr, err)
		}
	}
	o.opened = append(o.opened, all...)
	return all, err
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
		socket, ok := ln.(*net.UnixListener)
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

// listenTCP opens one socket, or shared sockets that share the address.
func listenTCP(ctx context.Context, addr string, shared int) (all []net.Listener, err error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	if shared > 0 {
		lc.Control = setReusePort
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
