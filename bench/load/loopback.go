package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// ErrRemote is the error of OnlyLoopback for a host that is not this machine.
var ErrRemote = errors.New("not a loopback address")

// OnlyLoopback returns an error with the first URL whose host is not this machine:
// load on somebody else's server is an attack. It resolves names, and every
// address of a name must be a loopback address.
func OnlyLoopback(ctx context.Context, urls []string) error {
	seen := make(map[string]bool)
	for _, raw := range urls {
		t, err := parseURL(raw)
		if err != nil {
			return err
		}
		if seen[t.host] {
			continue
		}
		seen[t.host] = true
		addrs, err := addresses(ctx, t.host)
		if err != nil {
			return fmt.Errorf("%s: %w", t.urls[0], err)
		}
		for _, a := range addrs {
			if !a.Unmap().IsLoopback() {
				return fmt.Errorf("%s: %s is %w", t.urls[0], a, ErrRemote)
			}
		}
	}
	return nil
}

// addresses returns the addresses of a host, at least one.
func addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
