package nettest

import (
	"net"
	"testing"
)

// Pair returns the two ends of one TCP connection over loopback. Neither end
// is multipath TCP, on which some socket features fail. The end of the test
// closes what the caller has not closed before.
func Pair(t testing.TB) (server, client *net.TCPConn) {
	t.Helper()
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()

	var d net.Dialer
	d.SetMultipathTCP(false)
	c, err := d.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })

	// The connection waits in the listener's queue, perhaps behind that of
	// a stranger who tried the port.
	for {
		s, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if s.RemoteAddr().String() == c.LocalAddr().String() {
			t.Cleanup(func() { _ = s.Close() })
			return s.(*net.TCPConn), c.(*net.TCPConn)
		}
		_ = s.Close()
	}
}

// SmallBuffers asks for send and receive buffers of the given number of bytes
// on c and ends their growth, so that a peer who does not read is soon felt.
// The kernel rounds: Linux doubles the number and keeps a minimum of a few
// KiB. How much fits between two ends is the sum of one's send buffer and the
// other's receive buffer, so call it for both.
func SmallBuffers(t testing.TB, c *net.TCPConn, bytes int) {
	t.Helper()
	if err := c.SetWriteBuffer(bytes); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadBuffer(bytes); err != nil {
		t.Fatal(err)
	}
}

// Reset closes c with an RST instead of a FIN and throws away what was not yet
// sent, as a peer does that crashed or lost interest.
func Reset(t testing.TB, c *net.TCPConn) {
	t.Helper()
	if err := c.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}
