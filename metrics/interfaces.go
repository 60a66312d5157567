package metrics

import (
	"fmt"
	"net"
	"net/netip"
)

// An Interface is one of the network interfaces of this network namespace.
type Interface struct {
	Name  string
	Index int
	MTU   int // bytes
	Flags net.Flags
	MAC   net.HardwareAddr // nil: it has none
	Addrs []netip.Prefix   // addresses with the length of their networks' prefix
	Speed uint64           // bits a second; 0: not told, as of most that are virtual or down

	NetIO
	HaveIO bool // the counters are told
}

// NetIO is what an interface has carried since boot.
type NetIO struct {
	SentBytes, RecvBytes     uint64
	SentPackets, RecvPackets uint64
	SendErrors, RecvErrors   uint64
	SendDrops, RecvDrops     uint64 // for want of room; the BSDs and macOS never tell SendDrops
}

// Interfaces reads addresses and counters of all interfaces.
func (h Host) Interfaces() ([]Interface, error) {
	all, err := h.interfaces()
	if err != nil {
		return nil, fmt.Errorf("metrics: interfaces: %w", err)
	}
	return all, nil
}

// interfaces asks package net for what it knows on all platforms.
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
			continue // gone since
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
