//go:build !linux && !(netbsd && 386) && !(openbsd && ppc64)

package metrics

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"github.com/shirou/gopsutil/v4/net"
)

// connections filters the list of gopsutil, which runs lsof(8) on macOS, and
// netstat(1) or similar programs on the BSDs.
func (h Host) connections(f Filter, c *Connection, yield func() bool) error {
	kind := uint32(syscall.SOCK_STREAM)
	if f.Protocol == ProtocolUDP {
		kind = syscall.SOCK_DGRAM
	}
	all, err := net.Connections(f.Protocol.String())
	if err != nil {
		return fmt.Errorf("metrics: connections: %w", libraryError(err))
	}
	for _, row := range all {
		if row.Type != kind {
			continue
		}
		local, ok := address(row.Laddr, row.Family)
		if !ok {
			continue
		}
		remote, _ := address(row.Raddr, row.Family)
		*c = Connection{Protocol: f.Protocol, Local: local, Remote: remote, State: stateNamed(row.Status)}
		if f.Protocol == ProtocolUDP {
			c.State = Closed
			if remote.Port() != 0 {
				c.State = Established
			}
		}
		if row.Pid > 0 {
			c.PID = int(row.Pid)
			c.Have |= ConnectionPID
		}
		if f.States != 0 && !f.States.Has(c.State) ||
			f.LocalPort != 0 && f.LocalPort != c.Local.Port() ||
			f.PID != 0 && f.PID != c.PID {
			continue
		}
		if !yield() {
			return nil
		}
	}
	return nil
}

// address converts an address of gopsutil, which has "*" or "" for an unspecified
// one.
func address(a net.Addr, family uint32) (netip.AddrPort, bool) {
	any4, any6 := netip.IPv4Unspecified(), netip.IPv6Unspecified()
	addr, err := netip.ParseAddr(a.IP)
	switch {
	case err == nil:
	case a.IP != "*" && a.IP != "" || a.Port > 1<<16-1:
		return netip.AddrPort{}, false
	case family == syscall.AF_INET6:
		addr = any6
	default:
		addr = any4
	}
	return netip.AddrPortFrom(addr, uint16(a.Port)), true
}

// stateNamed returns the state with a name of any system, like "FIN_WAIT_1" or
// "LISTENING", or 0 if the name is unknown.
func stateNamed(name string) TCPState {
	plain := func(s string) string { return strings.NewReplacer("_", "", "-", "").Replace(strings.ToUpper(s)) }
	switch p := plain(name); p {
	case "":
		return 0
	case "CLOSED":
		return Closed
	case "LISTENING":
		return Listen
	case "SYNRCVD", "SYNRECEIVED":
		return SynRecv
	default:
		for s := Established; s <= Closing; s++ {
			if plain(s.String()) == p {
				return s
			}
		}
	}
	return 0
}
