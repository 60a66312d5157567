package nettest

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Host is one of two hosts connected by a Path, for running other programs: a network
// namespace with a loopback and one end of the path. The kernel removes it with its last
// user, even if the test is killed.
type Host struct {
	Addr string // IP address of its end of the path

	namespace *os.File
	tun       *os.File
}

// Hosts returns two hosts connected by the path: each packet is delayed once. It skips
// the test as ShapedPath does. The hosts exist until the test ends.
func (p Path) Hosts(t testing.TB) (a, b *Host) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	NeedsProgram(t, "ip", "iproute2")
	a, b = p.host(t, "10.99.0.1"), p.host(t, "10.99.0.2")
	unchanged := func([]byte) {}
	var carriers sync.WaitGroup
	carriers.Go(func() { forwardPackets(a.tun, b.tun, p.MTU, p.Delay, unchanged) })
	carriers.Go(func() { forwardPackets(b.tun, a.tun, p.MTU, p.Delay, unchanged) })
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
	err := inNamespace(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, func() (err error) {
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

// Command returns a prefix for a command line that runs the command on the host. The
// prefix execs the command, so that there is no second process.
func (h *Host) Command() []string {
	return []string{"nsenter", fmt.Sprintf("--net=/proc/%d/fd/%d", os.Getpid(), h.namespace.Fd()), "--"}
}

// Do calls f on a thread of the host and returns its result. Sockets that f makes belong
// to the host, but goroutines that it starts do not run there.
func (h *Host) Do(f func() error) error {
	return inNamespace(func() error { return unix.Setns(int(h.namespace.Fd()), unix.CLONE_NEWNET) }, f)
}
