//go:build unix

package sendfile_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/sendfile"
)

// The peer of a benchmark is a process of its own, so that the processor
// seconds it reports, cpu-s/GB, are those of the side under test. Throughput
// on loopback says more about the peer.

// peerEnv makes the test binary play the peer: "drain ADDRESS" reads and
// drops what it is sent, "flood ADDRESS" sends until it is cut.
const peerEnv = "SENDFILE_BENCH_PEER"

func TestMain(m *testing.M) {
	if peer := os.Getenv(peerEnv); peer != "" {
		if err := playPeer(peer); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func playPeer(peer string) error {
	var role, address string
	if _, err := fmt.Sscan(peer, &role, &address); err != nil {
		return err
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	p := make([]byte, 1<<20)
	for err == nil {
		if role == "flood" {
			_, err = conn.Write(p[:256<<10])
		} else {
			_, err = conn.Read(p)
		}
	}
	return nil // the benchmark has ended
}

// benchSizes span a page, a photograph and a film.
var benchSizes = []struct {
	name string
	n    int64
}{{"64KiB", 64 << 10}, {"1MiB", 1 << 20}, {"16MiB", 16 << 20}, {"100MiB", 100 << 20}}

func BenchmarkSend(b *testing.B) {
	for _, size := range benchSizes {
		for _, road := range []sendfile.Road{sendfile.Sendfile, sendfile.Copy} {
			for _, chunk := range []int{64 << 10, 256 << 10, 1 << 20, 4 << 20} {
				b.Run(fmt.Sprintf("%s/%s/chunk=%dKiB", size.name, road, chunk>>10), func(b *testing.B) {
					opt := &sendfile.Options{Road: road, Chunk: chunk}
					benchTransfer(b, "drain", size.n, func(conn net.Conn, f *os.File) (sendfile.Result, error) {
						return sendfile.Send(b.Context(), conn, f, 0, size.n, opt)
					})
				})
			}
		}
	}
}

// BenchmarkReceive writes into a file that is there already: making room for
// a new one costs the file system more than either road.
func BenchmarkReceive(b *testing.B) {
	for _, size := range benchSizes {
		for _, road := range []sendfile.Road{sendfile.Splice, sendfile.Copy} {
			b.Run(fmt.Sprintf("%s/%s", size.name, road), func(b *testing.B) {
				opt := &sendfile.Options{Road: road}
				benchTransfer(b, "flood", size.n, func(conn net.Conn, f *os.File) (sendfile.Result, error) {
					return sendfile.Receive(b.Context(), f, conn, 0, size.n, opt)
				})
			})
		}
	}
}

func benchTransfer(b *testing.B, role string, size int64, transfer func(net.Conn, *os.File) (sendfile.Result, error)) {
	f := benchFile(b, size)
	conn := benchPeer(b, role)
	b.SetBytes(size)
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		if res, err := transfer(conn, f); err != nil || res.Sent != size {
			b.Fatalf("transfer = %+v, %v, want %d bytes", res, err, size)
		}
	}
	gigabytes := float64(size) * float64(b.N) / 1e9
	b.ReportMetric((cpuTime(b)-before).Seconds()/gigabytes, "cpu-s/GB")
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchFile(b *testing.B, size int64) *os.File {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	// Written, not truncated to: a hole has no pages to send.
	if _, err := io.CopyN(f, zeros{}, size); err != nil {
		b.Fatal(err)
	}
	return f
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// benchPeer starts a peer and returns the connection to it.
func benchPeer(b *testing.B, role string) net.Conn {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	peer := exec.Command(os.Args[0])
	peer.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s", peerEnv, role, ln.Addr()))
	peer.Stderr = os.Stderr
	if err := peer.Start(); err != nil {
		b.Fatal(err)
	}
	conn, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = conn.Close()
		if err := peer.Wait(); err != nil {
			b.Errorf("peer: %v", err)
		}
	})
	return conn
}
