package listen

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// URLs returns the URLs of a listener on addr, the one for this machine first.
// interfaces are the addresses of this machine, for an unspecified addr. Clients
// agree on no URL for unix sockets; the one returned shows the path.
func URLs(scheme string, addr net.Addr, interfaces []net.Addr) []string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		socket := url.URL{Scheme: scheme + "+unix", Path: addr.String()}
		return []string{socket.String()}
	}
	var found []string
	for _, host := range hosts(tcp, interfaces) {
		found = append(found, urlOf(scheme, host, tcp.AddrPort().Port()))
	}
	return found
}

// hosts returns the host names and addresses for URLs of addr.
func hosts(addr *net.TCPAddr, interfaces []net.Addr) []string {
	ip := addr.AddrPort().Addr().Unmap()
	if !ip.IsUnspecified() {
		return []string{ip.String()}
	}
	found := []string{"localhost"}
	for _, a := range interfaces {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue // not an IP address
		}
		other := prefix.Addr()
		if other.IsGlobalUnicast() && (other.Is4() || ip.Is6()) {
			found = append(found, other.String())
		}
	}
	return found
}

// defaultPorts are left out of URLs.
var defaultPorts = map[string]uint16{"http": 80, "https": 443, "ftp": 21, "ftps": 990}

func urlOf(scheme, host string, port uint16) string {
	if port != defaultPorts[scheme] {
		host = net.JoinHostPort(host, strconv.Itoa(int(port)))
	} else if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		host = "[" + host + "]"
	}
	return scheme + "://" + host + "/"
}

// Interfaces returns the addresses of this machine; none if the system does not
// list them.
func Interfaces() []net.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	return all
}

// Hosts returns the hosts of the URLs of TCP listeners.
func Hosts(listeners []net.Listener) []string {
	var all []string
	for _, ln := range listeners {
		if addr, ok := ln.Addr().(*net.TCPAddr); ok {
			all = append(all, hosts(addr, Interfaces())...)
		}
	}
	return all
}
