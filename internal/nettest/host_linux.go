package nettest

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Host is one of two hosts that a Path joins, for programs that know nothing of a test:
// a network namespace with a loopback and its end of the path. It is gone with the last
// who uses it, even if the test is killed.
type Host struct {
	Addr string // of its end of the path

	namespace *os.File
	tun       *os.File
}

// Hosts returns two hosts with the path between them: each packet takes the delay from
// one to the other. It skips the test as ShapedPath does. The hosts end with the test.
func (p Path) Hosts(t testing.TB) (a, b *Host) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	NeedsProgram(t, "ip", "iproute2")
	a, b = p.host(t, "10.99.0.1"), p.host(t, "10.99.0.2")
	as := func([]byte) {} // they are
	var carriers sync.WaitGroup
	carriers.Go(func() { carry(a.tun, b.tun, p.MTU, p.Delay, as) })
	carriers.Go(func() { carry(b.tun, a.tun, p.MTU, p.Delay, as) })
	t.Cleanup(func() {
		_ = a.tun.Close()
		_ = b.tun.Close()
		carriers.Wait()
	})
	return a, b
}

func (p Path) host(t testing.TB, addr string) *Host {
	t.Helper()
	h := &Host{Addr: addr}
	err := elsewhere(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, func() (err error) {
		if h.namespace, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		if h.tun, err = openTUN("path0"); err != nil {
			return err
		}
		return runAll("ip link set lo up", fmt.Sprintf("ip link set path0 mtu %d txqueuelen %d", p.MTU, p.Queue),
			"ip addr add "+addr+"/24 dev path0", "ip link set path0 up")
	})
	if h.namespace != nil {
		t.Cleanup(func() { _ = h.namespace.Close() })
	}
	if err != nil {
		if h.tun != nil {
			_ = h.tun.Close()
		}
		t.Fatal(err)
	}
	return h
}

// Command returns what makes a command run on the host if it stands before it. It
// becomes that command, and does not stay beside it.
func (h *Host) Command() []string {
	return []string{"nsenter", fmt.Sprintf("--net=/proc/%d/fd/%d", os.Getpid(), h.namespace.Fd()), "--"}
}

// Do calls f so that the sockets that it makes, and no goroutine that it starts, are
// those of the host, and returns what f returns.
func (h *Host) Do(f func() error) error {
	return elsewhere(func() error { return unix.Setns(int(h.namespace.Fd()), unix.CLONE_NEWNET) }, f)
}
