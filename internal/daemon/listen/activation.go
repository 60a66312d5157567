package listen

import (
	"fmt"
	"maps"
	"net"
	"slices"

	"github.com/coreos/go-systemd/v22/activation"

	"sluice/internal/config"
)

// activatedListeners returns the listeners that systemd handed over,
// sd_listen_fds(3), by the names of FileDescriptorName=. There are none if systemd
// did not start this process by socket activation.
func activatedListeners() (map[string][]net.Listener, error) {
	byName := make(map[string][]net.Listener)
	for _, f := range activation.Files(true) {
		name := f.Name()
		ln, err := net.FileListener(f) // duplicates the descriptor
		_ = f.Close()
		if err != nil {
			for _, others := range byName {
				closeAll(others)
			}
			return nil, fmt.Errorf("systemd handed over %s, which is not a listening socket: %w; "+
				"use ListenStream= and leave Accept= off", name, err)
		}
		byName[name] = append(byName[name], ln)
	}
	return byName, nil
}

// takeActivated returns the sockets from systemd for a scheme.
func (o *Opener) takeActivated(scheme string) ([]net.Listener, error) {
	all := o.activated[scheme]
	if len(all) == 0 {
		return nil, fmt.Errorf("--%s %s: systemd handed over no socket named %s; "+
			"set FileDescriptorName=%s in its .socket unit", scheme, config.Systemd, scheme, scheme)
	}
	delete(o.activated, scheme)
	return all, nil
}

// CheckActivated returns an error if systemd handed over a socket that Open was
// not asked for.
func (o *Opener) CheckActivated() error {
	for _, name := range slices.Sorted(maps.Keys(o.activated)) {
		return fmt.Errorf("systemd handed over a socket named %s, which is not used; "+
			"call it http, https, ftp, ftps or admin by FileDescriptorName= in its .socket unit, and ask for it by --http %s and the like", name, config.Systemd)
	}
	return nil
}
