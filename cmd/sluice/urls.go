package main

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
)

// urls returns the URLs under which what listens on addr can be found, the
// one for this machine first. interfaces are the addresses of this machine,
// which an unspecified addr stands for. A socket in the file system has no URL
// that clients agree on; the one here shows its name.
func urls(scheme string, addr net.Addr, interfaces []net.Addr) []string {
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

// hosts returns the names and addresses by which a URL can name addr.
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

// defaultPorts need not be written.
var defaultPorts = map[string]uint16{"http": 80, "https": 443, "ftp": 21, "ftps": 990}

func urlOf(scheme, host string, port uint16) string {
	if port != defaultPorts[scheme] {
		host = net.JoinHostPort(host, strconv.Itoa(int(port)))
	} else if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		host = "[" + host + "]"
	}
	return scheme + "://" + host + "/"
}

// interfaces returns the addresses of this machine.
func interfaces() []net.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil // then the ones we know must do
	}
	return all
}

// allURLs returns each URL of the services once, in order.
func allURLs(services []*service) []string {
	var all []string
	for _, s := range services {
		for _, d := range s.doors {
			for _, u := range urls(d.scheme, d.listener.Addr(), interfaces()) {
				if !slices.Contains(all, u) { // sockets may share an address
					all = append(all, u)
				}
			}
		}
	}
	return all
}

// allHosts returns the hosts of the URLs of TCP listeners.
func allHosts(listeners []net.Listener) []string {
	var all []string
	for _, ln := range listeners {
		if addr, ok := ln.Addr().(*net.TCPAddr); ok {
			all = append(all, hosts(addr, interfaces())...)
		}
	}
	return all
}
