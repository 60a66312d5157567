package metrics

import (
	"fmt"
	"net"
	"net/netip"
)

// An Interface is a network interface in the network namespace of this process.
type Interface struct {
	Name  string
	Index int
	MTU   int // bytes
	Flags net.Flags
	MAC   net.HardwareAddr // nil if the interface has none
	Addrs []netip.Prefix   // each address with the prefix length of its network
	Speed uint64           // bits per second; 0: unknown, as for most virtual interfaces and those that are down

	NetIO
	HaveIO bool // NetIO is known
}

// NetIO holds the counters of an interface since boot.
type NetIO struct {
	SentBytes, RecvBytes     uint64
	SentPackets, RecvPackets uint64
	SendErrors, RecvErrors   uint64
	SendDrops, RecvDrops     uint64 // packets dropped for lack of buffers; SendDrops is always 0 on the BSDs and macOS
}

// Interfaces returns the addresses and counters of all interfaces.
func (h Host) Interfaces() ([]Interface, error) {
	all, err := h.interfaces()
	if err != nil {
		return nil, fmt.Errorf("metrics: interfaces: %w", err)
	}
	return all, nil
}

// interfaces combines the interfaces of package net with the counters and speeds
// of the platform.
func (h Host) interfaces() ([]Interface, error) {
	known, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	counters, err := h.netIO()
	if err != nil {
		return nil, err
	}
	all := make([]Interface, 0, len(known))
	for _, k := range known {
		addrs, err := k.Addrs()
		if err != nil {
			continue // the interface was removed meanwhile
		}
		i := Interface{Name: k.Name, Index: k.Index, MTU: k.MTU, Flags: k.Flags, MAC: k.HardwareAddr, Speed: h.linkSpeed(k.Name, k.Index)}
		i.NetIO, i.HaveIO = counters[k.Name]
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				i.Addrs = append(i.Addrs, prefix(n))
			}
		}
		all = append(all, i)
	}
	return all, nil
}

func prefix(n *net.IPNet) netip.Prefix {
	addr, _ := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), bits)
}
