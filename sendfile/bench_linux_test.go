package sendfile_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/sendfile"
)

// The peers of a benchmark run in a process of their own, so that CPU times are
// separate: cpu-s/GB is that of the side under test, both-cpu-s/GB includes the
// peers'. Both matter on loopback, where the kernel may do the work of one side in
// the time of the other. Throughput on loopback says more about the peer.

// peerEnv makes the test binary act as peers: "drain N ADDRESS" reads and discards
// on N connections, "flood N ADDRESS" sends until the connection ends.
const peerEnv = "SENDFILE_BENCH_PEER"

func TestMain(m *testing.M) {
	if peers := os.Getenv(peerEnv); peers != "" {
		if err := runPeers(peers); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runPeers runs the peers that the value of peerEnv describes.
func runPeers(peers string) error {
	var role, address string
	var n int
	if _, err := fmt.Sscan(peers, &role, &n, &address); err != nil {
		return err
	}
	var running sync.WaitGroup
	for range n {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		running.Go(func() { runPeer(role, conn) })
	}
	running.Wait()
	return nil
}

// runPeer returns when the benchmark closes the connection.
func runPeer(role string, conn net.Conn) {
	p := make([]byte, 256<<10)
	var err error
	for err == nil {
		if role == "flood" {
			_, err = conn.Write(p)
		} else {
			_, err = conn.Read(p)
		}
	}
}

// benchSizes are typical of a web page, a photograph, a song and a video.
var benchSizes = []struct {
	name string
	n    int64
}{{"64KiB", 64 << 10}, {"1MiB", 1 << 20}, {"16MiB", 16 << 20}, {"100MiB", 100 << 20}}

// contender is one of the ways to transfer a file that a benchmark compares.
type contender struct {
	name   string
	writes bool // move writes to f, so each connection needs a file of its own
	move   func(ctx context.Context, c net.Conn, f *os.File, size int64) error
}

func sendBy(method sendfile.Method) contender {
	opt := &sendfile.Options{Method: method}
	return contender{method.String(), false, func(ctx context.Context, c net.Conn, f *os.File, size int64) error {
		_, err := sendfile.Send(ctx, c, f, 0, size, opt)
		return err
	}}
}

// loop transfers a file without this package: it calls step with a pooled buffer p
// for each piece of the file, at off.
func loop(buffer int, writes bool, step func(c net.Conn, f *os.File, p []byte, off int64) error) contender {
	pool := sync.Pool{New: func() any { return new(make([]byte, buffer)) }}
	return contender{fmt.Sprintf("loop=%dKiB", buffer>>10), writes, func(_ context.Context, c net.Conn, f *os.File, size int64) error {
		b := pool.Get().(*[]byte)
		defer pool.Put(b)
		for off := int64(0); off < size; off += int64(buffer) {
			if err := step(c, f, (*b)[:min(int64(buffer), size-off)], off); err != nil {
				return err
			}
		}
		return nil
	}}
}

func sendLoop(buffer int) contender {
	return loop(buffer, false, func(c net.Conn, f *os.File, p []byte, off int64) error {
		_, err := f.ReadAt(p, off)
		if err == nil {
			_, err = c.Write(p)
		}
		return err
	})
}

func BenchmarkSend(b *testing.B) {
	for _, size := range benchSizes {
		for _, w := range []contender{sendBy(sendfile.Auto), sendBy(sendfile.Copy), sendLoop(8 << 10), sendLoop(64 << 10)} {
			b.Run(size.name+"/"+w.name, func(b *testing.B) {
				benchTransfers(b, benchPeers(b, "drain", 1), size.n, w)
			})
		}
	}
}

func receiveBy(method sendfile.Method) contender {
	opt := &sendfile.Options{Method: method}
	return contender{method.String(), true, func(ctx context.Context, c net.Conn, f *os.File, size int64) error {
		_, err := sendfile.Receive(ctx, f, c, 0, size, opt)
		return err
	}}
}

func receiveLoop(buffer int) contender {
	return loop(buffer, true, func(c net.Conn, f *os.File, p []byte, off int64) error {
		_, err := io.ReadFull(c, p)
		if err == nil {
			_, err = f.WriteAt(p, off)
		}
		return err
	})
}

// BenchmarkReceive overwrites existing files: allocating blocks for a new file
// costs the file system more than either method. TMPDIR chooses the file system.
func BenchmarkReceive(b *testing.B) {
	for _, size := range benchSizes {
		for _, uploads := range []int{1, 64} {
			for _, w := range []contender{
				receiveBy(sendfile.Splice), receiveBy(sendfile.Copy), receiveLoop(128 << 10), receiveLoop(512 << 10), receiveLoop(1 << 20),
			} {
				b.Run(fmt.Sprintf("%s/uploads=%d/%s", size.name, uploads, w.name), func(b *testing.B) {
					if int64(uploads)*size.n > 2<<30 {
						b.Skip("needs too much of the page cache")
					}
					benchTransfers(b, benchPeers(b, "flood", uploads), size.n, w)
				})
			}
		}
	}
}

// benchPeerSet holds the connections to the peers of a benchmark.
type benchPeerSet struct {
	conns []net.Conn
	pid   int // process ID of the peers
}

// benchTransfers makes b.N transfers of size bytes in total, over all connections
// at once, from one file, or to one file for each connection.
func benchTransfers(b *testing.B, peers benchPeerSet, size int64, w contender) {
	b.Helper()
	files := make([]*os.File, len(peers.conns))
	dir := b.TempDir()
	for i := range files {
		if i > 0 && !w.writes {
			files[i] = files[0]
			continue
		}
		files[i] = benchFile(b, filepath.Join(dir, fmt.Sprint(i)), size)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	var begun atomic.Int64
	ours, theirs := cpuTime(b, unix.CLOCK_PROCESS_CPUTIME_ID), cpuTime(b, clockOf(peers.pid))
	b.ResetTimer()
	var moving sync.WaitGroup
	for i, c := range peers.conns {
		moving.Go(func() {
			for begun.Add(1) <= int64(b.N) {
				if err := w.move(context.Background(), c, files[i], size); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	moving.Wait()
	b.StopTimer()
	gigabytes := float64(size) * float64(b.N) / 1e9
	ours = cpuTime(b, unix.CLOCK_PROCESS_CPUTIME_ID) - ours
	theirs = cpuTime(b, clockOf(peers.pid)) - theirs
	b.ReportMetric(ours.Seconds()/gigabytes, "cpu-s/GB")
	b.ReportMetric((ours+theirs).Seconds()/gigabytes, "both-cpu-s/GB")
}

// clockOf returns the CPU-time clock of a process, see clock_getcpuclockid(3).
func clockOf(pid int) int32 { return int32(^pid<<3 | 2) }

func cpuTime(b *testing.B, clock int32) time.Duration {
	b.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// benchFile makes a file of size zeros, which is in the page cache afterwards.
func benchFile(b *testing.B, name string, size int64) *os.File {
	b.Helper()
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	// Write zeros instead of truncating: a hole has no pages to send.
	if _, err := io.CopyN(f, zeros{}, size); err != nil {
		b.Fatal(err)
	}
	return f
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// benchPeers starts a process with n peers and waits until all are connected. The
// role is one of peerEnv.
func benchPeers(b *testing.B, role string, n int) benchPeerSet {
	b.Helper()
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	peer := exec.Command(os.Args[0])
	peer.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", peerEnv, role, n, ln.Addr()))
	peer.Stderr = os.Stderr
	if err := peer.Start(); err != nil {
		b.Fatal(err)
	}
	conns := make([]net.Conn, n)
	for i := range conns {
		if conns[i], err = ln.Accept(); err != nil {
			b.Fatal(err)
		}
	}
	b.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
		if err := peer.Wait(); err != nil {
			b.Errorf("peer: %v", err)
		}
	})
	return benchPeerSet{conns, peer.Process.Pid}
}
