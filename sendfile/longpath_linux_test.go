package sendfile_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// BenchmarkLongPath sends over a path with a round trip of 100 ms, to see how much
// throughput a limit on unsent data costs. It needs root. Each connection has two
// seconds to open its window.
func BenchmarkLongPath(b *testing.B) {
	path := filepath.Join(b.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, 64<<20), 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for _, rule := range unsentRules {
		b.Run(rule.name, func(b *testing.B) {
			var sum float64
			for b.Loop() {
				server, client := nettest.Path{Delay: 50 * time.Millisecond, MTU: 9000, Queue: 10_000}.Pair(b)
				raw, err := server.SyscallConn()
				if err != nil {
					b.Fatal(err)
				}
				var prepared error
				err = raw.Control(func(fd uintptr) { prepared = rule.prepare(int(fd)) })
				if err := errors.Join(err, prepared); err != nil {
					b.Fatal(err)
				}
				rate, err := pathRate(server, client, f, rule.chunk)
				if err != nil {
					b.Fatal(err)
				}
				sum += rate
			}
			b.ReportMetric(sum/float64(b.N), "path-MB/s")
		})
	}
}

// pathRate sends for five seconds and returns the rate of the last three in
// MB/s, as the client sees it. It closes the connection.
func pathRate(server, client net.Conn, f *os.File, chunk int) (float64, error) {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for {
			if _, err := sendfile.Send(context.Background(), server, f, 0, -1, &sendfile.Options{Chunk: chunk}); err != nil {
				return
			}
		}
	}()
	defer func() { _, _ = server.Close(), client.Close(); <-sent }()
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
