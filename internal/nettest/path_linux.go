package nettest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ShapedPath is Pair over a loopback limited to 20 Mbit/s with a short queue. It
// skips the test if the user is not root or iproute2 is not installed.
func ShapedPath(t testing.TB) (server, client *net.TCPConn) {
	t.Helper()
	return pairInNamespace(t, "127.0.0.1", "reno", func() error {
		return runAll("ip link set lo up mtu 1500", "tc qdisc add dev lo root tbf rate 20mbit burst 16kb latency 10ms")
	})
}

// LongPath is Pair over a Path with a round trip of 40 ms and the congestion control
// reno. It skips the test as ShapedPath does.
func LongPath(t testing.TB) (server, client *net.TCPConn) {
	t.Helper()
	return Path{Delay: 20 * time.Millisecond, MTU: 1500, Queue: 500}.pair(t, "reno")
}

// Path is a long network path, made by a TUN device that returns each packet after a
// delay, with its addresses exchanged, so that both ends are on this host.
type Path struct {
	Delay time.Duration // one way
	MTU   int           // in bytes
	Queue int           // length of the device's queue, in packets
}

// Pair is the function Pair over the path, with the default congestion control of the
// host. It skips the test as ShapedPath does.
func (p Path) Pair(t testing.TB) (server, client *net.TCPConn) {
	t.Helper()
	return p.pair(t, "")
}

func (p Path) pair(t testing.TB, congestion string) (server, client *net.TCPConn) {
	t.Helper()
	return pairInNamespace(t, "10.9.0.2", congestion, func() error {
		tun, err := openTUN("long0")
		if err != nil {
			return err
		}
		returned := make(chan struct{})
		go func() { returnPackets(tun, p.MTU, p.Delay); close(returned) }()
		t.Cleanup(func() { _ = tun.Close(); <-returned })
		return runAll("ip link set lo up", fmt.Sprintf("ip link set long0 mtu %d txqueuelen %d", p.MTU, p.Queue),
			"ip addr add 10.9.0.1/30 dev long0", "ip link set long0 up")
	})
}

// pairInNamespace makes a Pair in a new network namespace, after calling prepare
// there. A socket stays in its namespace, whatever thread uses it.
func pairInNamespace(t testing.TB, address, congestion string, prepare func() error) (server, client *net.TCPConn) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	for _, program := range []string{"ip", "tc"} {
		NeedsProgram(t, program, "iproute2")
	}
	err := inNamespace(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, func() error {
		err := prepare()
		if err == nil {
			server, client, err = pairAt(address, congestion)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close(); _ = client.Close() })
	return server, client
}

// inNamespace calls enter, which moves its thread to a network namespace, and then f,
// both on a new thread. It returns when f has returned.
func inNamespace(enter, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := enter()
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// pairAt makes a pair whose client connects to address, in the namespace of this thread.
func pairAt(address, congestion string) (server, client *net.TCPConn, err error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(context.Background(), "tcp4", ":0")
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if congestion != "" {
		if err := setCongestion(ln.(*net.TCPListener), congestion); err != nil {
			return nil, nil, err
		}
	}
	to := net.TCPAddr{IP: net.ParseIP(address), Port: ln.Addr().(*net.TCPAddr).Port}
	if client, err = net.DialTCP("tcp4", nil, &to); err != nil {
		return nil, nil, err
	}
	accepted, err := ln.Accept()
	if err != nil {
		_ = client.Close()
		return nil, nil, err
	}
	return accepted.(*net.TCPConn), client, nil
}

// setCongestion sets the congestion control of all connections that ln accepts. Tests
// use reno, which every kernel has. With the default of the host a path behaves
// differently on each host, and BBR starts by probing the bandwidth.
func setCongestion(ln *net.TCPListener, name string) error {
	raw, err := ln.SyscallConn()
	if err != nil {
		return err
	}
	var setErr error
	if err := raw.Control(func(fd uintptr) {
		setErr = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
	}); err != nil {
		return err
	}
	return os.NewSyscallError("setsockopt", setErr)
}

func runAll(commands ...string) error {
	for _, command := range commands {
		args := strings.Fields(command)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", command, err, out)
		}
	}
	return nil
}

func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("open /dev/net/tun", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = os.NewSyscallError("ioctl TUNSETIFF", unix.IoctlIfreq(fd, unix.TUNSETIFF, request))
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// returnPackets reads IPv4 packets from tun and writes them back after a delay, with
// their addresses exchanged, until tun is closed.
func returnPackets(tun *os.File, mtu int, after time.Duration) {
	forwardPackets(tun, tun, mtu, after, func(packet []byte) {
		for i := 12; i < 16; i++ { // checksums stay valid
			packet[i], packet[i+4] = packet[i+4], packet[i]
		}
	})
}

// forwardPackets reads IPv4 packets from one device, modifies them by change, and writes
// them to another one after a delay and in order, until the first is closed.
func forwardPackets(from, to *os.File, mtu int, after time.Duration, change func(packet []byte)) {
	type packet struct {
		due  time.Time
		data []byte
	}
	delayed := make(chan packet, 10_000)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for p := range delayed {
			time.Sleep(time.Until(p.due)) // the length of the path, not a wait for a state
			_, _ = to.Write(p.data)
		}
	}()
	for {
		b := make([]byte, mtu)
		n, err := from.Read(b)
		if err != nil {
			break
		}
		if n < 20 || b[0]>>4 != 4 {
			continue
		}
		change(b[:n])
		delayed <- packet{time.Now().Add(after), b[:n]}
	}
	close(delayed)
	<-sent
}
