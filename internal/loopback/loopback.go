package loopback

import (
	"net/netip"
	"syscall"
)

// Control is the Control of a net.ListenConfig. On Linux, connections that are accepted on a loopback address use the
// congestion control Reno. Elsewhere, on all other addresses, and if the system refuses, it changes nothing.
func Control(_, address string, c syscall.RawConn) error {
	if addr, err := netip.ParseAddrPort(address); err != nil || !addr.Addr().Unmap().IsLoopback() {
		return nil
	}
	return c.Control(useReno)
}
