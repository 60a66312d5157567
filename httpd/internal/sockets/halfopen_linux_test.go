package sockets_test

import (
	"context"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/httpd/internal/sockets"
	"sluice/internal/nettest"
)

// listening returns n sockets that share an address.
func listening(t *testing.T, network, address string, n int) (fds []int, addr string) {
	t.Helper()
	lc := net.ListenConfig{Control: sockets.Control(false)}
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(context.Background(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	first, _, err := sockets.Detach(ln)
	if err != nil {
		t.Fatal(err)
	}
	fds = []int{first}
	t.Cleanup(func() { sockets.Close(fds) })
	siblings, err := sockets.Siblings(first, n-1)
	if err == nil {
		fds = append(fds, siblings...)
		err = sockets.StartListening(siblings)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fds, ln.Addr().String()
}

func TestHalfOpenCountsSilentClients(t *testing.T) {
	nettest.CheckLeaks(t)
	for _, tt := range []struct {
		name, network, address, dial string
		seconds                      int // of deferred accept
		want                         int // for 30 clients
	}{
		{"IPv4", "tcp", "127.0.0.1:0", "127.0.0.1", 60, 30},
		{"IPv6", "tcp", "[::1]:0", "::1", 60, 30},
		{"IPv4 on a socket for both", "tcp", ":0", "127.0.0.1", 60, 30},
		{"without deferred accept they are in the queue", "tcp", "127.0.0.1:0", "127.0.0.1", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fds, addr := listening(t, tt.network, tt.address, 2)
			_, port, _ := net.SplitHostPort(addr)
			for _, fd := range fds {
				if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, tt.seconds); err != nil {
					t.Fatal(err)
				}
			}
			_, before, ok := sockets.HalfOpen(fds[:1])
			if !ok || before < 1 {
				t.Fatalf("room for %d, %v", before, ok)
			}
			for range 30 {
				c, err := net.Dial("tcp", net.JoinHostPort(tt.dial, port))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
			}
			n, room, ok := sockets.HalfOpen(fds)
			if n != tt.want || room != 2*before || !ok {
				t.Errorf("%d are half open, of %d, %v, want %d of %d", n, room, ok, tt.want, 2*before)
			}
		})
	}
}

func TestHalfOpenOfAnotherSocket(t *testing.T) {
	if n, room, ok := sockets.HalfOpen([]int{-1}); ok {
		t.Errorf("%d of %d, want that it is not known", n, room)
	}
}
