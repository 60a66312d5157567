package main

import (
	"fmt"
	"maps"
	"net"
	"slices"

	"github.com/coreos/go-systemd/v22/activation"

	"sluice/internal/config"
)

// activated returns the listeners that systemd handed over, sd_listen_fds(3),
// by their names, which are those that FileDescriptorName= gives. There are
// none if systemd did not start this process to serve sockets.
func activated() (map[string][]net.Listener, error) {
	byName := make(map[string][]net.Listener)
	for _, f := range activation.Files(true) {
		name := f.Name()
		ln, err := net.FileListener(f) // a descriptor of its own
		_ = f.Close()
		if err != nil {
			for _, others := range byName {
				closeAll(others)
			}
			return nil, fmt.Errorf("systemd handed over %s, which is no socket to accept connections on: %w; "+
				"use ListenStream= and leave Accept= off", name, err)
		}
		byName[name] = append(byName[name], ln)
	}
	return byName, nil
}

// takeActivated takes the sockets of a scheme out of those of systemd.
func (o *opener) takeActivated(scheme string) ([]net.Listener, error) {
	all := o.activated[scheme]
	if len(all) == 0 {
		return nil, fmt.Errorf("--%s %s: systemd handed over no socket of the name %s; "+
			"set FileDescriptorName=%s in its .socket unit", scheme, config.Systemd, scheme, scheme)
	}
	delete(o.activated, scheme)
	return all, nil
}

// checkAllTaken complains of a socket that systemd handed over and no flag
// asked for: its clients would wait for ever.
func (o *opener) checkAllTaken() error {
	for _, name := range slices.Sorted(maps.Keys(o.activated)) {
		return fmt.Errorf("systemd handed over a socket of the name %s, which is not used; "+
			"call it http, https, ftp, ftps or admin by FileDescriptorName= in its .socket unit, and ask for it by --http %s and the like", name, config.Systemd)
	}
	return nil
}
