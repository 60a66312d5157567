package main

import (
	"net"
	"net/netip"
	"strconv"
)

// urls returns the URLs under which a server that listens on addr can be
// found, the one for this machine first. interfaces are the addresses of this
// machine, which an unspecified addr stands for.
func urls(scheme string, addr netip.AddrPort, interfaces []net.Addr) []string {
	ip := addr.Addr().Unmap()
	if !ip.IsUnspecified() {
		return []string{urlOf(scheme, ip.String(), addr.Port())}
	}
	found := []string{urlOf(scheme, "localhost", addr.Port())}
	for _, a := range interfaces {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue // not an IP address
		}
		other := prefix.Addr()
		if other.IsGlobalUnicast() && (other.Is4() || ip.Is6()) {
			found = append(found, urlOf(scheme, other.String(), addr.Port()))
		}
	}
	return found
}

// defaultPorts need not be written.
var defaultPorts = map[string]uint16{"http": 80, "ftp": 21}

func urlOf(scheme, host string, port uint16) string {
	if port != defaultPorts[scheme] {
		host = net.JoinHostPort(host, strconv.Itoa(int(port)))
	} else if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		host = "[" + host + "]"
	}
	return scheme + "://" + host + "/"
}
