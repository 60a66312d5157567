package ftpd_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
)

// freeRange returns n successive ports on which nothing listens.
func freeRange(t *testing.T, n int) ftpd.PortRange {
	t.Helper()
	for range 100 {
		first := 10_000 + rand.N(uint16(20_000)) // below the ephemeral ports of all systems
		r := ftpd.PortRange{First: first, Last: first + uint16(n) - 1}
		var lns []net.Listener
		for p := int(first); p < int(first)+n && p <= 65535; p++ {
			ln, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", p))
			if err != nil {
				break
			}
			lns = append(lns, ln)
		}
		for _, ln := range lns {
			_ = ln.Close()
		}
		if len(lns) == n {
			return r
		}
	}
	t.Fatal("no range of ports is free")
	panic("unreachable")
}

// openPort returns a port that was free a moment ago.
func openPort(t *testing.T, addr string) uint16 {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return uint16(ln.Addr().(*net.TCPAddr).Port)
}

func portOf(t *testing.T, addr string) uint16 {
	t.Helper()
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return a.Port()
}

func TestPassivePortsAreChosenAtRandomFromTheRange(t *testing.T) {
	r := freeRange(t, 4)
	s := start(t, func(s *ftpd.Server) { s.PassivePorts = r })
	s.file("f", 10)
	c := s.guest()
	var order []uint16
	for range 80 { // enough: one of four ports is missing in 1 of 10^9 runs
		addr := c.passive(pasv)
		order = append(order, portOf(t, addr))
		c.send("RETR f")
		conn := c.connect(addr)
		c.expect(150, "RETR")
		if b, err := io.ReadAll(conn); len(b) != 10 || err != nil {
			t.Errorf("got %d bytes, %v", len(b), err)
		}
		_ = conn.Close()
		c.expect(226, "RETR")
	}
	seen := make(map[uint16]bool)
	inTurn := true
	for i, p := range order {
		seen[p] = true
		inTurn = inTurn && p == order[i%4]
	}
	for p := r.First; p <= r.Last; p++ {
		if !seen[p] {
			t.Errorf("port %d was not used", p)
		}
		delete(seen, p)
	}
	if len(seen) > 0 {
		t.Errorf("ports out of the range: %v", seen)
	}
	if inTurn {
		t.Errorf("the order of the ports is predictable: %v", order)
	}
}

func TestAPassivePortInUseIsSkipped(t *testing.T) {
	r := freeRange(t, 3)
	ln, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", r.First+1))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := start(t, func(s *ftpd.Server) { s.PassivePorts = r })
	c := s.guest()
	for range 5 {
		if p := portOf(t, c.passive(epsv)); p != r.First && p != r.Last {
			t.Errorf("port %d, want %d or %d", p, r.First, r.Last)
		}
	}
}

func TestOneHostCannotUseUpThePassivePortsOfOthers(t *testing.T) {
	r := freeRange(t, 2)
	s := start(t, func(s *ftpd.Server) { s.PassivePorts = r })
	s.file("f", 10)
	var greedy []*client
	for range 2 {
		c := s.guest()
		c.passive(pasv)
		greedy = append(greedy, c)
	}
	late := s.guest()
	late.want(425, "PASV")

	other := s.guestFrom("127.0.0.5")
	addr := other.passive(pasv)
	conn := dialFrom(t, "127.0.0.5", addr)
	other.send("RETR f")
	other.expect(150, "RETR")
	if b, err := io.ReadAll(conn); len(b) != 10 || err != nil {
		t.Errorf("the other host got %d bytes, %v", len(b), err)
	}
	other.expect(226, "RETR")

	greedy[0].want(221, "QUIT")
	waitFor(t, "the port of the client that has quit", func() bool {
		late.send("PASV")
		code, _, err := late.reply()
		return err != nil || code == 227
	})
}

func TestPasvAnnouncesTheAddressForTheNetworkOfTheClient(t *testing.T) {
	lan := netip.MustParsePrefix("127.0.0.0/30")
	s := start(t, func(s *ftpd.Server) {
		s.PublicAddrs = []ftpd.PublicAddr{
			{Clients: lan},
			{Addr: netip.MustParseAddr("192.0.2.7")},
		}
	})
	for _, tt := range []struct{ from, want string }{
		{"127.0.0.1", "127,0,0,1,"}, // the address it has connected to
		{"127.0.0.5", "192,0,2,7,"},
	} {
		if text := s.guestFrom(tt.from).want(227, "PASV"); !strings.Contains(text, "("+tt.want) {
			t.Errorf("from %s: %q, want %s", tt.from, text, tt.want)
		}
	}
}

func TestCheckPassive(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	free := freeRange(t, 12)
	taken := freeRange(t, 12)
	ln, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", taken.Last))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	private, public := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("192.0.2.1")
	for _, tt := range []struct {
		name   string
		listen netip.Addr
		ports  ftpd.PortRange
		addrs  []ftpd.PublicAddr
		want   []string // a word of each warning
	}{
		{"no warning", local, free, nil, nil},
		{"ports chosen by the system", local, ftpd.PortRange{}, nil, nil},
		{"a range that ends before it begins", local, ftpd.PortRange{First: 50, Last: 40}, nil, []string{"empty"}},
		{"a range from zero", local, ftpd.PortRange{Last: 40}, nil, []string{"empty"}},
		{"a port of the range is in use", local, taken, nil, []string{"1 of the passive ports"}},
		{"all ports are in use", local, ftpd.PortRange{First: taken.Last, Last: taken.Last}, nil, []string{"none of", "few"}},
		{"few ports", local, ftpd.PortRange{First: free.First, Last: free.First + 1}, nil, []string{"few"}},
		{"a private address is announced", private, ftpd.PortRange{}, nil, []string{"10.1.2.3"}},
		{"a public address is announced", public, ftpd.PortRange{}, nil, nil},
		{"an IPv6 address", netip.MustParseAddr("2001:db8::1"), ftpd.PortRange{}, nil, nil},
		{"a private address for all clients", private, ftpd.PortRange{}, []ftpd.PublicAddr{{Addr: private}}, []string{"private"}},
		{"a private address for some clients", private, ftpd.PortRange{}, []ftpd.PublicAddr{
			{Clients: netip.MustParsePrefix("10.0.0.0/8"), Addr: private}, {Addr: public},
		}, nil},
		{"an IPv6 address for PASV", local, ftpd.PortRange{}, []ftpd.PublicAddr{{Addr: netip.MustParseAddr("2001:db8::1")}}, []string{"no IPv4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &ftpd.Server{PassivePorts: tt.ports, PublicAddrs: tt.addrs}
			got := s.CheckPassive(tt.listen)
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %d warnings", got, len(tt.want))
			}
			for i, word := range tt.want {
				if !strings.Contains(got[i], word) || strings.Contains(got[i], "\n") {
					t.Errorf("got %q, want a line with %q", got[i], word)
				}
			}
		})
	}
}

func TestPortsInUseCountsPortsThatWaitForAClient(t *testing.T) {
	s := start(t, nil)
	c := s.guest()
	if used, total := s.PortsInUse(); used != 0 || total != 0 {
		t.Errorf("got %d of %d, want 0 of 0", used, total)
	}
	c.passive(epsv)
	if used, _ := s.PortsInUse(); used != 1 {
		t.Errorf("after EPSV: got %d, want 1", used)
	}
	c.want(221, "QUIT")
	next(t, s.disconnects)
	if used, _ := s.PortsInUse(); used != 0 {
		t.Errorf("after QUIT: got %d, want none", used)
	}
}

func TestPassivePortsAreClosedWithTheServer(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	c := s.guest()
	addr := c.passive(pasv)
	_ = s.Close()
	if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		_ = conn.Close()
		t.Error("the port is still open")
	}
}

// guestFrom returns an anonymous client that connects from another address of
// loopback.
func (s *server) guestFrom(ip string) *client {
	s.t.Helper()
	conn := dialFrom(s.t, ip, s.addr)
	c := &client{s.t, conn.(*net.TCPConn), bufio.NewReader(conn)}
	c.expect(220, "")
	c.want(331, "USER ftp")
	c.want(230, "PASS me@example.org")
	return c
}
