package sendfile_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/sendfile"
)

// BenchmarkLongPath sends over a path of 100 ms, there and back, to see what a
// bound on the unsent data costs there. The path is a TUN device in a network
// namespace of its own: whatever is sent into it comes out again 50 ms later
// with its addresses exchanged, so that this process talks to itself. It needs
// root; a connection has two seconds to open its window.
func BenchmarkLongPath(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root, to make a network namespace")
	}
	for _, rule := range unsentRules {
		b.Run(rule.name, func(b *testing.B) {
			var rates []float64
			for b.Loop() {
				rate, err := overLongPath(b, rule.name)
				if err != nil {
					b.Fatal(err)
				}
				rates = append(rates, rate)
			}
			var sum float64
			for _, r := range rates {
				sum += r
			}
			b.ReportMetric(sum/float64(len(rates)), "path-MB/s")
		})
	}
}

// longPathEnv makes the test binary, in a namespace of its own, measure the
// rule that it names.
const longPathEnv = "SENDFILE_LONG_PATH"

// overLongPath returns the throughput of a rule in MB/s.
func overLongPath(b *testing.B, rule string) (float64, error) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), longPathEnv+"="+rule)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	var rate float64
	_, err = fmt.Sscan(string(out), &rate)
	return rate, err
}

func init() {
	rule, ok := os.LookupEnv(longPathEnv)
	if !ok {
		return
	}
	rate, err := measureLongPath(rule)
	if err != nil {
		fmt.Fprintln(os.Stderr, "long path:", err)
		os.Exit(1)
	}
	fmt.Println(rate)
	os.Exit(0)
}

const (
	here  = "10.9.0.1"
	there = "10.9.0.2" // here again, by way of the path
	delay = 50 * time.Millisecond
)

func measureLongPath(name string) (float64, error) {
	tun, err := openPath()
	if err != nil {
		return 0, err
	}
	go carry(tun)

	ln, err := net.Listen("tcp", here+":0")
	if err != nil {
		return 0, err
	}
	client, err := net.Dial("tcp", net.JoinHostPort(there, strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)))
	if err != nil {
		return 0, err
	}
	server, err := ln.Accept()
	if err != nil {
		return 0, err
	}
	for _, rule := range unsentRules {
		if rule.name != name {
			continue
		}
		raw, err := server.(*net.TCPConn).SyscallConn()
		if err != nil {
			return 0, err
		}
		var prepared error
		if err := errors.Join(raw.Control(func(fd uintptr) { prepared = rule.prepare(int(fd)) }), prepared); err != nil {
			return 0, err
		}
		return pathRate(server, client, rule.chunk)
	}
	return 0, fmt.Errorf("no rule called %s", name)
}

// pathRate sends for five seconds and returns the rate of the last three, as
// the client sees it.
func pathRate(server, client net.Conn, chunk int) (float64, error) {
	f, err := os.CreateTemp("", "long-path")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	if _, err := io.CopyN(f, zeros{}, 64<<20); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := sendfile.Send(ctx, server, f, 0, 64<<20, &sendfile.Options{Chunk: chunk}); err != nil {
				return
			}
		}
	}()
	begin := time.Now()
	p := make([]byte, 1<<20)
	var counted int64
	for {
		n, err := client.Read(p)
		switch took := time.Since(begin); {
		case err != nil:
			return 0, err
		case took > 5*time.Second:
			return float64(counted) / 3e6, nil
		case took > 2*time.Second:
			counted += int64(n)
		}
	}
}

// openPath makes the device and brings it up.
func openPath() (*os.File, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open /dev/net/tun", err)
	}
	ifr, err := unix.NewIfreq("path0")
	if err != nil {
		return nil, err
	}
	ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		return nil, os.NewSyscallError("TUNSETIFF", err)
	}
	for _, command := range []string{
		"ip link set lo up",
		"ip link set path0 mtu 9000 txqueuelen 10000",
		"ip addr add " + here + "/30 dev path0",
		"ip link set path0 up",
	} {
		args := strings.Fields(command)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", command, err, out)
		}
	}
	return os.NewFile(uintptr(fd), "path0"), nil
}

// carry returns each packet that comes out of tun after the delay, with its
// addresses exchanged. That does not change its checksums.
func carry(tun *os.File) {
	type packet struct {
		due  time.Time
		data []byte
	}
	under := make(chan packet, 1<<16)
	go func() {
		for p := range under {
			time.Sleep(time.Until(p.due)) // the length of the path, not a wait for a state
			_, _ = tun.Write(p.data)
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := tun.Read(buf)
		if err != nil {
			close(under)
			return
		}
		if n < 20 || buf[0]>>4 != 4 {
			continue // not IPv4
		}
		data := append([]byte(nil), buf[:n]...)
		var source [4]byte
		copy(source[:], data[12:16])
		copy(data[12:16], data[16:20])
		copy(data[16:20], source[:])
		under <- packet{time.Now().Add(delay), data}
	}
}
