package ftpd_test

import (
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

// dialFrom connects from another address of loopback.
func dialFrom(t *testing.T, from, to string) net.Conn {
	t.Helper()
	needsLoopback(t, from)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// needsLoopback skips the test if loopback lacks an address: macOS and the BSDs have
// 127.0.0.1 only. It tests that with a listener, so that a server that refuses clients
// from the address cannot cause a skip.
func needsLoopback(t *testing.T, addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
	switch {
	case err == nil:
		_ = ln.Close()
	case runtime.GOOS == "linux" || runtime.GOOS == "windows": // these have all of 127.0.0.0/8
		t.Fatal(err)
	default:
		t.Skip("loopback has one address only:", err)
	}
}

// wantStrangerReset connects from another address of loopback to a passive port, and
// checks that the connection is reset without a byte.
func wantStrangerReset(t *testing.T, addr string) {
	t.Helper()
	wantResetFrom(t, addr, "127.0.0.2")
}

func wantResetFrom(t *testing.T, addr, from string) {
	t.Helper()
	needsLoopback(t, from)
	nettest.WantReset(t, net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}, addr)
}

func TestStrangersOnThePassivePortAreReset(t *testing.T) {
	s := start(t, nil)
	s.file("f", 100_000)
	c := s.guest()
	addr := c.passive(pasv)
	for range 3 {
		wantStrangerReset(t, addr)
	}
	c.send("RETR f")
	conn := c.connect(addr)
	c.expect(150, "RETR")
	wantStrangerReset(t, addr)
	if got := <-nettest.Sum(t, conn); got.SHA256 != nettest.PatternSum(0, 100_000) {
		t.Errorf("the client got %d bytes, %v", got.N, got.Err)
	}
	c.expect(226, "RETR")
	wantStrangerReset(t, addr)
}

// ftpserverlib keeps a stranger's connection and uses it for the next RETR
// (facts/ftp.md, 4, number 1).
func TestAStrangerGetsNothingFromASecondRetr(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.AcceptTimeout = 50 * time.Millisecond })
	s.file("f", 100_000)
	c := s.guest()
	addr := c.passive(pasv)
	wantStrangerReset(t, addr)
	c.want(425, "RETR f")
	wantStrangerReset(t, c.passive(pasv))
	c.want(425, "RETR f")
}

func TestActiveModeToOthersIsRefused(t *testing.T) {
	s := start(t, nil)
	c := s.guest()
	for _, line := range []string{
		"PORT 127,0,0,2,200,200", "PORT 10,0,0,1,200,200", "EPRT |1|127.0.0.2|50000|", "PORT 127,0,0,1,0,22", "EPRT |1|127.0.0.1|1023|",
		"PORT 127,0,0,1,200", "PORT", "EPRT |1|localhost|50000|", "EPRT |1|127.0.0.1|0|", "EPRT |1|127.0.0.1|99999|",
	} {
		c.want(501, line)
	}
}

func TestPassiveListensWhereTheClientConnected(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("loopback has one address only")
	}
	s := start(t, nil)
	addr := s.guest().passive(pasv)
	_, p, _ := net.SplitHostPort(addr)
	if conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.3", p)); err == nil {
		_ = conn.Close()
		t.Error("the port is open on another address")
	}
}

func TestPasvOverIPv6IsRefused(t *testing.T) {
	s := startOn(t, "[::1]:0", nil)
	s.file("f", 10)
	c := s.guest()
	for range 20 { // CheckLeaks finds listeners that stay open
		if text := c.want(425, "PASV"); !strings.Contains(text, "EPSV") {
			t.Errorf("PASV: %q", text)
		}
	}
	if got := len(c.get(epsv, "RETR f")); got != 10 {
		t.Errorf("RETR after EPSV gave %d bytes", got)
	}
}

func TestPassiveListenersDoNotPileUp(t *testing.T) {
	before := openFiles(t)
	s := start(t, nil)
	s.file("f", 10)
	c := s.guest()
	for range 50 {
		c.passive(pasv)
		c.passive(epsv)
		c.want(200, "PORT 127,0,0,1,200,200") // the library leaks the listener here
	}
	if got := openFiles(t) - before; got > 10+ftpd.SparePorts {
		t.Errorf("%d descriptors are open", got)
	}
	if got := len(c.get(pasv, "RETR f")); got != 10 {
		t.Errorf("RETR gave %d bytes", got)
	}
}

func TestALaterPasvReplacesAnEarlierOne(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	c := s.guest()
	first := c.connect(c.passive(pasv))
	second := c.passive(pasv)
	if n, err := first.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("the first connection: %d bytes, %v, want its end", n, err)
	}
	c.send("RETR f")
	conn := c.connect(second)
	c.expect(150, "RETR")
	if b, err := io.ReadAll(conn); len(b) != 10 || err != nil {
		t.Errorf("got %d bytes, %v", len(b), err)
	}
	c.expect(226, "RETR")
}

// openFiles counts the descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no list of open files on", runtime.GOOS)
	}
	return len(entries)
}
