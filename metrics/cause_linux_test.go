package metrics

import (
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// A role uses one end of a connection until that is closed.
type role func(c *net.TCPConn)

func flood(c *net.TCPConn)  { _, _ = io.Copy(c, zeros{}) }
func drain(c *net.TCPConn)  { _, _ = io.Copy(io.Discard, c) }
func ignore(_ *net.TCPConn) {}

// trickle sends 100 bytes every 20 ms.
func trickle(c *net.TCPConn) {
	for {
		if _, err := c.Write(make([]byte, 100)); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// checkCause runs two roles until Limit returns want twice in a row, and fails after
// 20 samples. A transfer starts with other causes, and other work of the machine adds
// its own, but a wrong result of Limit would stay.
func checkCause(t *testing.T, server, client *net.TCPConn, sender, receiver role, want Cause) {
	t.Helper()
	var roles sync.WaitGroup
	roles.Go(func() { sender(server) })
	roles.Go(func() { receiver(client) })
	defer func() {
		_ = server.Close()
		_ = client.Close()
		roles.Wait()
	}()
	s := newSocket(t, server)
	var a, b TCP
	if err := s.Sample(&b); err != nil {
		t.Fatal(err)
	}
	var got Cause
	for right, tries := 0, 0; right < 2; tries++ {
		if tries == 20 {
			t.Fatalf("got %v, want %v, between\n%+v\n%+v", got, want, a, b)
		}
		time.Sleep(100 * time.Millisecond) // Limit measures what happens in this time
		a = b
		if err := s.Sample(&b); err != nil {
			t.Fatal(err)
		}
		if got = Limit(&a, &b); got == want {
			right++
		} else {
			right = 0
		}
	}
}

func TestLimitOnLoopback(t *testing.T) {
	for _, tt := range []struct {
		name             string
		sender, receiver role
		want             Cause
	}{
		{"a reader that sleeps", flood, ignore, CauseReceiver},
		{"a sender that sleeps", trickle, drain, CauseApplication},
		{"a sender without data", ignore, drain, CauseApplication},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			server, client := nettest.Pair(t)
			checkCause(t, server, client, tt.sender, tt.receiver, tt.want)
		})
	}
}

func TestLimitOnASlowPath(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	for _, program := range []string{"ip", "tc"} {
		nettest.NeedsProgram(t, program, "iproute2")
	}
	for _, tt := range []struct {
		name   string
		path   func(t testing.TB) (server, client *net.TCPConn)
		sndbuf int
		want   Cause
	}{
		{"a path of 20 Mbit/s", nettest.ShapedPath, 0, CausePath},
		{"a path of 20 Mbit/s limits more than a send buffer of 4 KiB", nettest.ShapedPath, 4096, CausePath},
		{"a send buffer of 4 KiB on a path of 40 ms", nettest.LongPath, 4096, CauseSendBuffer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			server, client := tt.path(t)
			if tt.sndbuf != 0 {
				if err := server.SetWriteBuffer(tt.sndbuf); err != nil {
					t.Fatal(err)
				}
			}
			checkCause(t, server, client, flood, drain, tt.want)
		})
	}
}
