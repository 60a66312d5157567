package nettest

import (
	"net"
	"testing"
)

// Pair returns the two ends of a TCP connection over loopback. Neither end is
// multipath TCP, on which some socket features fail. They are closed when the
// test ends.
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

	// Another program may have connected to the port first.
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

// SmallBuffers gives c send and receive buffers of a fixed size in bytes, so that
// writes soon block if the peer does not read. Linux doubles the number and has a
// minimum of a few KiB. Call it for both ends, because both buffers take bytes.
func SmallBuffers(t testing.TB, c *net.TCPConn, bytes int) {
	t.Helper()
	if err := c.SetWriteBuffer(bytes); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadBuffer(bytes); err != nil {
		t.Fatal(err)
	}
}

// Reset closes c with an RST instead of a FIN, and discards unsent bytes, as a peer
// that has crashed.
func Reset(t testing.TB, c *net.TCPConn) {
	t.Helper()
	if err := c.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}
