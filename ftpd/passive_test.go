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
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("tcp", to)
	if err != nil {
		t.Skip("loopback has one address only:", err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestStrangersOnThePassivePortGetNothingAndCostNothing(t *testing.T) {
	s := start(t, nil)
	s.file("f", 100_000)
	c := s.guest()
	addr := c.passive(pasv)
	var thieves []net.Conn
	for range 3 {
		thieves = append(thieves, dialFrom(t, "127.0.0.2", addr))
	}
	c.send("RETR f")
	conn := c.connect(addr)
	c.expect(150, "RETR")
	if got := <-nettest.Sum(t, conn); got.SHA256 != nettest.PatternSum(0, 100_000) {
		t.Errorf("the owner got %d bytes, %v", got.N, got.Err)
	}
	c.expect(226, "RETR")
	for _, thief := range thieves {
		if n, err := thief.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
			t.Errorf("a thief read %d bytes, %v", n, err)
		}
	}
}

// ftpserverlib keeps the stranger's connection and uses it for the next RETR
// (facts/ftp.md, 4, number 1).
func TestStrangerGetsNothingFromASecondRetr(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.HurryForTest(0, 0, 50*time.Millisecond) })
	s.file("f", 100_000)
	c := s.guest()
	thief := dialFrom(t, "127.0.0.2", c.passive(pasv))
	c.want(425, "RETR f")
	c.send("RETR f")
	if code, text, err := c.reply(); err != nil || code < 400 {
		t.Errorf("the second RETR: %q, %v", text, err)
	}
	if n, err := thief.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("the thief read %d bytes, %v", n, err)
	}
}

func TestActiveModeToOthersIsRefused(t *testing.T) {
	s := start(t, nil)
	c := s.guest()
	for _, line := range []string{
		"PORT 127,0,0,2,200,200", "PORT 10,0,0,1,200,200", "EPRT |1|127.0.0.2|50000|", "EPRT |2|::1|50000|",
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

func TestPasvOverIPv6IsRefusedAndLeavesNothing(t *testing.T) {
	s := startOn(t, "[::1]:0", nil)
	s.file("f", 10)
	c := s.guest()
	for range 20 { // CheckLeaks sees what stays
		if text := c.want(421, "PASV"); !strings.Contains(text, "EPSV") {
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
		c.want(200, "PORT 127,0,0,1,200,200") // the library forgets the listener
	}
	if got := openFiles(t) - before; got > 10 {
		t.Errorf("%d descriptors are open", got)
	}
	if got := len(c.get(pasv, "RETR f")); got != 10 {
		t.Errorf("RETR gave %d bytes", got)
	}
}

func TestTheLastPassiveWins(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	c := s.guest()
	first := c.passive(pasv)
	second := c.passive(pasv)
	if conn, err := net.Dial("tcp", first); err == nil {
		_ = conn.Close()
		t.Error("the first port is still open")
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
