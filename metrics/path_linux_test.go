package metrics

import (
	"context"
	"errors"
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

// A path leads through a network namespace of its own. Sockets stay in theirs,
// whatever thread uses them, so that only whoever makes them must be in it.

// shapedPath returns a connection over a loopback of 20 Mbit/s with a short
// queue.
func shapedPath(t *testing.T) (server, client *net.TCPConn) {
	t.Helper()
	return inNamespace(t, "127.0.0.1", func() error {
		return run("ip link set lo up mtu 1500", "tc qdisc add dev lo root tbf rate 20mbit burst 16kb latency 10ms")
	})
}

// longPath returns a connection over a TUN device. What is sent into it comes
// out again 20 ms later with its addresses exchanged, so that this host talks
// to itself.
func longPath(t *testing.T) (server, client *net.TCPConn) {
	t.Helper()
	return inNamespace(t, "10.9.0.2", func() error {
		tun, err := openTUN("path0")
		if err != nil {
			return err
		}
		carried := make(chan struct{})
		go func() { carry(tun, 20*time.Millisecond); close(carried) }()
		t.Cleanup(func() { _ = tun.Close(); <-carried })
		return run("ip link set lo up", "ip addr add 10.9.0.1/30 dev path0", "ip link set path0 up")
	})
}

// inNamespace makes a connection to an address in a new namespace, once it is
// prepared.
func inNamespace(t *testing.T, address string, prepare func() error) (server, client *net.TCPConn) {
	t.Helper()
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, and the namespace with it
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = prepare()
		}
		if err == nil {
			server, client, err = connect(address)
		}
		failed <- err
	}()
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close(); _ = client.Close() })
	return server, client
}

// connect makes a connection to a listener at any address of this thread's
// namespace.
func connect(address string) (server, client *net.TCPConn, err error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	any4, err := lc.Listen(context.Background(), "tcp4", ":0")
	if err != nil {
		return nil, nil, err
	}
	ln := any4.(*net.TCPListener)
	defer ln.Close()
	raw, err := ln.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	// Not what the host prefers, and from the beginning: BBR would first find
	// out how fast it may be.
	controlErr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno")
	})
	if err := errors.Join(controlErr, err); err != nil {
		return nil, nil, err
	}
	to := net.TCPAddr{IP: net.ParseIP(address), Port: ln.Addr().(*net.TCPAddr).Port}
	if client, err = net.DialTCP("tcp4", nil, &to); err != nil {
		return nil, nil, err
	}
	server, err = ln.AcceptTCP()
	return server, client, err
}

func run(commands ...string) error {
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
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("ioctl TUNSETIFF", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// carry returns the IPv4 packets that come out of tun in their order, until it
// is closed. To exchange the addresses leaves the checksums as they are.
func carry(tun *os.File, length time.Duration) {
	type packet struct {
		due  time.Time
		data []byte
	}
	way := make(chan packet, 10_000)
	arrived := make(chan struct{})
	go func() {
		defer close(arrived)
		for p := range way {
			time.Sleep(time.Until(p.due)) // the length of the path, not a wait for a state
			_, _ = tun.Write(p.data)
		}
	}()
	for {
		b := make([]byte, 2048)
		n, err := tun.Read(b)
		if err != nil {
			close(way)
			<-arrived
			return
		}
		if n < 20 || b[0]>>4 != 4 {
			continue
		}
		for i := 12; i < 16; i++ {
			b[i], b[i+4] = b[i+4], b[i]
		}
		way <- packet{time.Now().Add(length), b[:n]}
	}
}
