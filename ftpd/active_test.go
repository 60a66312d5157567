package ftpd_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/ftpd"
)

// active returns the commands for active mode with an IPv4 address and a port.
func active(addr string, port uint16) []string {
	return []string{
		fmt.Sprintf("PORT %s,%d,%d", strings.ReplaceAll(addr, ".", ","), port>>8, port&255),
		fmt.Sprintf("EPRT |1|%s|%d|", addr, port),
	}
}

// A client could send an uploaded "DELETE /sessions/1" to the admin listener (faults-trust.md, T18).
func TestActiveModeToThisHostNeedsLocalActive(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	n := portOf(t, other.Addr().String())
	for allowed, want := range map[bool]int{false: 501, true: 200} {
		s := start(t, func(s *ftpd.Server) { s.LocalActive = allowed })
		c := s.guest()
		for _, line := range active("127.0.0.1", n) {
			if text := c.want(want, line); !allowed && !strings.Contains(text, "an address of this server") {
				t.Errorf("%s: %s", line, text)
			}
		}
	}
}

func TestActiveModeToAnyAddressOfThisHostNeedsLocalActive(t *testing.T) {
	i := slices.IndexFunc(hostAddrs(t), func(a netip.Addr) bool { return a.Is4() && !a.IsLoopback() })
	if i < 0 {
		t.Skip("this host has loopback only")
	}
	addr := hostAddrs(t)[i]
	s := startOn(t, "127.0.0.1:0", func(s *ftpd.Server) { s.LocalActive = false })
	for what, local := range map[string]string{"the address of the session": addr.String(), "another address of this host": "192.0.2.1"} {
		if is, err := s.IsOwnAddrForTest(addr, netip.MustParseAddr(local)); !is || err != nil {
			t.Errorf("%s: %v, %v", what, is, err)
		}
	}
	for _, stranger := range []string{"192.0.2.7", "2001:db8::7"} {
		if is, err := s.IsOwnAddrForTest(netip.MustParseAddr(stranger), addr); is || err != nil {
			t.Errorf("%s: %v, %v", stranger, is, err)
		}
	}
	for _, own := range []string{"127.0.0.1", "127.99.0.1", "::1", "0.0.0.0", "::"} {
		if is, err := s.IsOwnAddrForTest(netip.MustParseAddr(own), addr); !is || err != nil {
			t.Errorf("%s: %v, %v", own, is, err)
		}
	}
	s.PublicAddrs = []ftpd.PublicAddr{{Addr: netip.MustParseAddr("192.0.2.7")}}
	if is, err := s.IsOwnAddrForTest(netip.MustParseAddr("192.0.2.7"), addr); !is || err != nil {
		t.Errorf("the public address: %v, %v", is, err)
	}
}

// hostAddrs returns the addresses of this host.
func hostAddrs(t *testing.T) (all []netip.Addr) {
	t.Helper()
	nets, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nets {
		all = append(all, netip.MustParsePrefix(n.String()).Addr())
	}
	return all
}

func TestActiveModeNeverConnectsToListenersOfThisProcess(t *testing.T) {
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	listening := func() []net.Addr { return []net.Addr{&net.UnixAddr{Name: "/run/x"}, admin.Addr()} }
	own := func(s *ftpd.Server) { s.Listening = listening }
	settings := binary
	settings.ActiveConnectionsCheck = ftpserver.IPMatchDisabled
	for name, start := range map[string]func(t *testing.T) *server{
		"an FS": func(t *testing.T) *server { return start(t, own) },
		"a driver that allows any address": func(t *testing.T) *server {
			return run(t, &mainDriver{client: memoryOf(t, "/f", "hello\n"), settings: settings}, own)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			c := s.login()
			for what, addr := range map[string]string{"the control port": s.addr, "a passive port": c.passive(pasv), "another listener": admin.Addr().String()} {
				for _, line := range active("127.0.0.1", portOf(t, addr)) {
					if text := c.want(501, line); !strings.Contains(text, "listens on that port") {
						t.Errorf("%s: the reply to %s is %s", what, line, text)
					}
				}
			}
			c.want(501, active("0.0.0.0", portOf(t, admin.Addr().String()))[0]) // the system connects to loopback
		})
	}
}

func TestActiveModeDoesNotConnectToAListenerOpenedAfterPORT(t *testing.T) {
	var opened atomic.Pointer[net.TCPListener]
	s := start(t, func(s *ftpd.Server) {
		s.Listening = func() (all []net.Addr) {
			if ln := opened.Load(); ln != nil {
				all = append(all, ln.Addr())
			}
			return all
		}
	})
	s.file("f", 10)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := s.guest()
	c.want(200, active("127.0.0.1", portOf(t, ln.Addr().String()))[0])
	opened.Store(ln.(*net.TCPListener))
	if text := c.want(425, "RETR f"); !strings.Contains(text, "listens on that port") {
		t.Errorf("the reply to RETR is %s", text)
	}
}
