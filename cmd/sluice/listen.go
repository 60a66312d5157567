package main

import (
	"context"
	"net"
	"path/filepath"
	"strings"

	"sluice/internal/config"
	"sluice/internal/sandbox"
)

// opener opens the listeners that the flags name, and closes them.
type opener struct {
	reusePort int                       // sockets that share each TCP address; 0: one that shares it with nobody
	activated map[string][]net.Listener // what systemd handed over and nobody has opened, by name
	opened    []net.Listener
	made      []string       // paths of the unix sockets that we have made
	sockets   []string       // paths of those that are unix sockets
	files     *sandbox.Files // removes them at the end; nil: closing them does
}

func newOpener(reusePort int) (*opener, error) {
	handedOver, err := activated()
	return &opener{reusePort: reusePort, activated: handedOver}, err
}

// open listens where the flag of that scheme says: nowhere, at one address, or
// where systemd says.
func (o *opener) open(ctx context.Context, scheme, addr string) (all []net.Listener, err error) {
	name, isUnix := strings.CutPrefix(addr, "unix:")
	switch {
	case addr == "":
	case addr == config.Systemd:
		all, err = o.takeActivated(scheme)
	case isUnix && !isFTP(scheme):
		if all, err = listenUnix(ctx, scheme, name); err == nil {
			o.made = append(o.made, all[0].Addr().String())
		}
	default:
		shared := o.reusePort
		if scheme == adminScheme {
			shared = 0 // a question is for this process and not for one of those that share its addresses
		}
		if all, err = listenTCP(ctx, addr, shared); err != nil {
			err = explainListen(scheme, addr, err)
		}
	}
	o.opened = append(o.opened, all...)
	return all, err
}

// isFTP reports whether a scheme needs other connections beside the one that
// is listened for.
func isFTP(scheme string) bool { return scheme == "ftp" || scheme == "ftps" }

// listening returns the addresses of all that was opened. It is called when nothing is opened any more.
func (o *opener) listening() []net.Addr {
	addrs := make([]net.Addr, len(o.opened))
	for i, ln := range o.opened {
		addrs[i] = ln.Addr()
	}
	return addrs
}

// close closes all that was opened and all that systemd handed over.
func (o *opener) close() {
	closeAll(o.opened)
	for _, name := range o.sockets {
		_ = o.files.Remove(name) // or it is there at the next start, which replaces it
	}
	for _, unused := range o.activated {
		closeAll(unused)
	}
}

func closeAll(listeners []net.Listener) {
	for _, ln := range listeners {
		_ = ln.Close()
	}
}

// listenTCP listens by one socket, or by as many as shared says that share the
// address. It does without multipath TCP, which package net would use: on such
// connections some socket features fail.
func listenTCP(ctx context.Context, addr string, shared int) (all []net.Listener, err error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	if shared > 0 {
		lc.Control = shareAddress
	}
	for len(all) < max(shared, 1) {
		ln, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			closeAll(all)
			return nil, err
		}
		all = append(all, ln)
		addr = ln.Addr().String() // the same port, if it was not ours to choose
	}
	return all, nil
}

// listenUnix listens on a socket in the file system, which its user and its
// group may connect to.
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
