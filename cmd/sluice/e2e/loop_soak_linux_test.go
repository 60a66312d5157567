//go:build e2e

package e2e

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

// soakConns is how many short connections TestShortConnectionsLeaveNothing makes: in
// "make soak" the number of SOAK.
func soakConns(t *testing.T) int {
	t.Helper()
	given := os.Getenv("SOAK")
	if given == "" {
		return 200_000
	}
	n, err := strconv.Atoi(given)
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	return n
}

// After many short connections from many addresses the server holds no more descriptors,
// goroutines and memory than after a few. Most connections request a small file and close.
// Some are reset, half closed, pipelined or abandoned.
func TestShortConnectionsLeaveNothing(t *testing.T) {
	const (
		warmUp  = 10_000
		clients = 16
		report  = 1_000_000
		size    = 1 << 10
		memory  = 8 << 20 // by which the garbage collector may let it grow
	)
	all := allDrivers
	for _, d := range all {
		t.Run(d.name, func(t *testing.T) {
			n := soakConns(t)
			if os.Getenv("SOAK") == "" {
				n /= len(all)
			}
			s := d.serve(t, t.TempDir())
			s.file("small", size)
			nettest.Age(t, s.path("small")) // an entity tag that becomes strong is shorter
			k := newSoak(t, s, size)
			k.run(clients, warmUp)
			before := s.level()
			t.Logf("after %d: %v", warmUp, before)
			for done := 0; done < n; {
				some, begin := min(report, n-done), time.Now()
				k.run(clients, some)
				done += some
				fmt.Printf("%s: %d connections, %.0f/s, %v\n", d.name, done, float64(some)/time.Since(begin).Seconds(), s.level())
			}
			var now level
			eventually(t, "the server holds no more than after the first connections", func() bool {
				now = s.level()
				return now.descriptors <= before.descriptors && now.goroutines <= before.goroutines && now.memory <= before.memory+memory
			})
			t.Logf("before %v, after %d connections %v", before, n, now)
			if got := k.failed.Load(); got > 0 {
				t.Errorf("%d connections failed, the first: %v", got, k.first)
			}
		})
	}
}

// level is what the server holds after connections have ended.
type level struct{ descriptors, goroutines, memory int }

func (l level) String() string {
	return fmt.Sprintf("%d descriptors, %d goroutines, %.1f MiB", l.descriptors, l.goroutines, float64(l.memory)/(1<<20))
}

func (s *server) level() level {
	s.t.Helper()
	return level{s.held().descriptors, int(s.metric("go_goroutines", "")), s.usage().kilobytes << 10}
}

// soak makes short connections. It uses system calls, which cost a third of package net.
type soak struct {
	t      *testing.T
	to     unix.SockaddrInet4
	size   int
	next   atomic.Int64 // number of the next connection
	failed atomic.Int64
	once   sync.Once
	first  error // of the first failure
}

func newSoak(t *testing.T, s *server, size int) *soak {
	t.Helper()
	port, err := strconv.Atoi(s.http.Port())
	if err != nil {
		t.Fatal(err)
	}
	return &soak{t: t, to: unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}, size: size}
}

// run makes n connections, as many at a time as there are clients.
func (k *soak) run(clients, n int) {
	var left atomic.Int64
	left.Store(int64(n))
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			buf := make([]byte, 16<<10)
			for left.Add(-1) >= 0 {
				i := k.next.Add(1)
				if err := k.connect(i, buf); err != nil {
					k.failed.Add(1)
					k.once.Do(func() { k.first = fmt.Errorf("connection %d: %w", i, err) })
				}
			}
		})
	}
	running.Wait()
}

// connect makes a connection, of the kind that its number chooses.
func (k *soak) connect(i int64, buf []byte) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	from := unix.SockaddrInet4{Addr: [4]byte{127}}
	binary.BigEndian.PutUint32(from.Addr[:], 127<<24|2<<16|uint32(i%50_000)) // 127.2.0.0 to 127.2.195.79
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	if err := unix.Bind(fd, &from); err != nil {
		return err
	}
	limit := unix.Timeval{Sec: int64(patience / time.Second)}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		return err
	}
	if err := unix.Connect(fd, &k.to); err != nil {
		return os.NewSyscallError("connect", err)
	}
	line := get("small")
	switch i % 20 {
	default:
		return k.exchange(fd, line, 1, buf)
	case 1, 2, 3:
		return k.exchange(fd, strings.Repeat(line, 3), 3, buf)
	case 4, 5: // the server closes first
		if err := k.exchange(fd, "GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 1, buf); err != nil {
			return err
		}
		return wantNoMore(fd, buf)
	case 6, 7: // half closed
		if err := k.send(fd, line); err != nil {
			return err
		}
		if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil {
			return err
		}
		if err := k.answers(fd, 1, buf); err != nil {
			return err
		}
		return wantNoMore(fd, buf)
	case 8: // reset before the answer
		defer reset(fd)
		return k.send(fd, line)
	case 9: // reset after it
		defer reset(fd)
		return k.exchange(fd, line, 1, buf)
	case 10: // reset in the head
		defer reset(fd)
		return k.send(fd, line[:10])
	case 11: // closed without a byte
		return nil
	case 12: // closed with a part of the next request
		return k.exchange(fd, line+line[:20], 1, buf)
	case 13: // a refused request, by net/http
		if err := k.send(fd, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"); err != nil {
			return err
		}
		for {
			if n, err := read(fd, buf); n <= 0 || err != nil {
				return err
			}
		}
	}
}

// reset makes the Close of fd reset the connection.
func reset(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

func (k *soak) exchange(fd int, lines string, answers int, buf []byte) error {
	if err := k.send(fd, lines); err != nil {
		return err
	}
	return k.answers(fd, answers, buf)
}

func (k *soak) send(fd int, line string) error {
	_, err := unix.Write(fd, []byte(line))
	return os.NewSyscallError("write", err)
}

// answers reads n answers with the small file.
func (k *soak) answers(fd, n int, buf []byte) error {
	got := 0
	for want := -1; want < 0 || got < want; {
		more, err := read(fd, buf[got:])
		if err == nil && more == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", got, err)
		}
		got += more
		if head := strings.Index(string(buf[:got]), "\r\n\r\n"); want < 0 && head >= 0 {
			want = n * (head + 4 + k.size) // their heads are as long, but for the date
		}
	}
	if !strings.HasPrefix(string(buf[:got]), "HTTP/1.1 200 OK\r\n") {
		return fmt.Errorf("got %.30q", buf[:got])
	}
	return nil
}

// read is read(2). With a time limit the kernel does not restart it after a signal of Go's
// scheduler.
func read(fd int, buf []byte) (n int, err error) {
	for {
		if n, err = unix.Read(fd, buf); err != unix.EINTR {
			return n, err
		}
	}
}

// wantNoMore checks that the server closes the connection.
func wantNoMore(fd int, buf []byte) error {
	if n, err := read(fd, buf); n != 0 || err != nil {
		return fmt.Errorf("at the end: %d bytes, %w", n, err)
	}
	return nil
}
