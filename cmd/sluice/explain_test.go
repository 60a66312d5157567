package main

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestExplainRootSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"missing", syscall.ENOENT, "dir does not exist; name the directory to serve: sluice serve DIR"},
		{"not a directory", syscall.ENOTDIR, "dir is not a directory; name the directory to serve: sluice serve DIR"},
		{"not to be read", syscall.EACCES, "dir may not be read by this user; give it the right to read and enter the directory, or serve another"},
		{"a broken disk", syscall.EIO, "open dir: input/output error; name the directory to serve: sluice serve DIR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := explainRoot("dir", &fs.PathError{Op: "open", Path: "dir", Err: tt.err}).Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestExplainListenSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name    string
		err     error
		want    string
		misused bool
	}{
		{"in use", os.NewSyscallError("bind", syscall.EADDRINUSE), "stop that, or choose another address with --ftp", false},
		{"a privileged port", os.NewSyscallError("bind", syscall.EACCES), "choose a port above 1023 with --ftp", false},
		{"somebody else's address", os.NewSyscallError("bind", syscall.EADDRNOTAVAIL), "no address of this machine; choose another with --ftp", false},
		{"no port", &net.AddrError{Err: "missing port in address", Addr: "x"}, "write it like :8080", true},
		{"no such host", &net.DNSError{Err: "no such host", Name: "x"}, "write it like :8080", true},
		{"anything else", syscall.ENOBUFS, "cannot listen on x:", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := explainListen("ftp", "x", &net.OpError{Op: "listen", Net: "tcp", Err: tt.err})
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.want)
			}
			if got := errors.As(err, new(usageError)); got != tt.misused {
				t.Errorf("a usage error: %v, want %v", got, tt.misused)
			}
		})
	}
}

func TestURLs(t *testing.T) {
	network := func(s string) net.Addr {
		ip, n, err := net.ParseCIDR(s)
		if err != nil {
			t.Fatal(err)
		}
		return &net.IPNet{IP: ip, Mask: n.Mask}
	}
	interfaces := []net.Addr{
		network("127.0.0.1/8"), network("::1/128"), network("192.168.1.5/24"), network("fe80::1/64"), network("2001:db8::5/64"),
	}
	for _, tt := range []struct {
		name, scheme, addr string
		want               []string
	}{
		{"one address", "http", "127.0.0.1:8080", []string{"http://127.0.0.1:8080/"}},
		{"one IPv6 address", "ftp", "[::1]:2121", []string{"ftp://[::1]:2121/"}},
		{"the default port is left out", "http", "192.168.1.5:80", []string{"http://192.168.1.5/"}},
		{"the default port is left out after brackets", "ftp", "[::1]:21", []string{"ftp://[::1]/"}},
		{"another protocol's default port is not", "ftp", "192.168.1.5:80", []string{"ftp://192.168.1.5:80/"}},
		{"all addresses, without loopback and link-local ones", "http", "[::]:8080", []string{"http://localhost:8080/", "http://192.168.1.5:8080/", "http://[2001:db8::5]:8080/"}},
		{"all IPv4 addresses", "http", "0.0.0.0:80", []string{"http://localhost/", "http://192.168.1.5/"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := urls(tt.scheme, netip.MustParseAddrPort(tt.addr), interfaces); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
