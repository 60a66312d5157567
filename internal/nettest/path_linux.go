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

// ShapedPath is Pair over a loopback of 20 Mbit/s with a short queue. It skips
// the test unless it is run by root, with iproute2.
func ShapedPath(t testing.TB) (server, client *net.TCPConn) {
	t.Helper()
	return pairElsewhere(t, "127.0.0.1", func() error {
		return runAll("ip link set lo up mtu 1500", "tc qdisc add dev lo root tbf rate 20mbit burst 16kb latency 10ms")
	})
}

// LongPath is Pair over a TUN device, from which each packet returns after 20
// ms with its addresses exchanged, so that this host talks to itself. It skips
// the test as ShapedPath does.
func LongPath(t testing.TB) (server, client *net.TCPConn) {
	t.Helper()
	return pairElsewhere(t, "10.9.0.2", func() error {
		tun, err := openTUN("long0")
		if err != nil {
			return err
		}
		returned := make(chan struct{})
		go func() { returnPackets(tun, 20*time.Millisecond); close(returned) }()
		t.Cleanup(func() { _ = tun.Close(); <-returned })
		return runAll("ip link set lo up", "ip addr add 10.9.0.1/30 dev long0", "ip link set long0 up")
	})
}

// pairElsewhere makes a Pair in a network namespace of its own, once that is
// prepared. A socket stays in the namespace that it was made in, whatever
// thread uses it.
func pairElsewhere(t testing.TB, address string, prepare func() error) (server, client *net.TCPConn) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	for _, program := range []string{"ip", "tc"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no %s: install iproute2", program)
		}
	}
	made := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, and the namespace with the last socket
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = prepare()
		}
		if err == nil {
			server, client, err = pairAt(address)
		}
		made <- err
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close(); _ = client.Close() })
	return server, client
}

// pairAt connects to a listener at any address of this thread's namespace.
func pairAt(address string) (server, client *net.TCPConn, err error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(context.Background(), "tcp4", ":0")
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if err := setReno(ln.(*net.TCPListener)); err != nil {
		return nil, nil, err
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

// setReno takes the congestion control that every kernel has, for all that ln
// accepts and from their beginning. Under what the host prefers a path behaves
// in another way on each host, and BBR first finds out how fast it may be.
func setReno(ln *net.TCPListener) error {
	raw, err := ln.SyscallConn()
	if err != nil {
		return err
	}
	var setErr error
	if err := raw.Control(func(fd uintptr) {
		setErr = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno")
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

// returnPackets returns the IPv4 packets that come out of tun, in their order
// and after a while, until it is closed.
func returnPackets(tun *os.File, after time.Duration) {
	type packet struct {
		due  time.Time
		data []byte
	}
	way := make(chan packet, 10_000)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for p := range way {
			time.Sleep(time.Until(p.due)) // the length of the path, not a wait for a state
			_, _ = tun.Write(p.data)
		}
	}()
	for {
		b := make([]byte, 2048)
		n, err := tun.Read(b)
		if err != nil {
			break
		}
		if n < 20 || b[0]>>4 != 4 {
			continue
		}
		for i := 12; i < 16; i++ { // which leaves the checksums as they are
			b[i], b[i+4] = b[i+4], b[i]
		}
		way <- packet{time.Now().Add(after), b[:n]}
	}
	close(way)
	<-sent
}
