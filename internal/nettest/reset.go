package nettest

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// WantReset connects to addr by d, and checks that the peer resets the connection, or
// closes it, without a byte.
func WantReset(t testing.TB, d net.Dialer, addr string) {
	t.Helper()
	conn, err := d.DialContext(t.Context(), "tcp", addr)
	if errors.Is(err, syscall.ECONNRESET) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("got %d bytes, %v from %s, want a reset", n, err, addr)
	}
}
