package live_test

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// withSessions returns a Registry with n sessions, each with a transfer.
func withSessions(b *testing.B, n int) *live.Registry {
	r := &live.Registry{MaxConns: 2 * n, MaxConnsPerAddr: 2 * n, MaxConnsPerUser: 2 * n}
	for range n {
		s := enter(b, r, at("192.0.2.1"))
		t := s.Begin(live.Job{Op: "GET", Path: "/some/path", Size: 1})
		b.Cleanup(func() {
			t.End(sendfile.Result{}, nil)
			s.Leave()
		})
	}
	return r
}

func BenchmarkCount(b *testing.B) {
	var r live.Registry
	s := enter(b, &r, at("192.0.2.1"))
	for b.Loop() {
		s.Count(s0, sendfile.Result{Sent: 1})
	}
}

// BenchmarkProgress measures the cost of a chunk, on all processors at once, with and
// without many other sessions.
func BenchmarkProgress(b *testing.B) {
	for _, others := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("among %d", others), func(b *testing.B) {
			r := withSessions(b, others)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				s := enter(b, r, at("192.0.2.2"))
				defer s.Leave()
				t := s.Begin(live.Job{Op: "GET", Path: "/some/path", Size: 1 << 40})
				var res sendfile.Result
				for pb.Next() {
					res.Sent += 256 << 10
					t.Progress(res)
				}
				t.End(res, nil)
			})
		})
	}
}

func BenchmarkTransfer(b *testing.B) {
	for name, size := range map[string]int64{"64KiB": 64 << 10, "1MiB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			var r live.Registry
			server, _ := nettest.Pair(b)
			s := enter(b, &r, live.Client{Remote: live.AddrPortOf(server.RemoteAddr()), Conn: server})
			b.ReportAllocs()
			for b.Loop() {
				transfer := s.Begin(live.Job{Op: "GET", Path: "/some/path", Size: size})
				res := sendfile.Result{Method: sendfile.Sendfile}
				for res.Sent < size {
					res.Sent += min(size, 256<<10)
					transfer.Progress(res)
				}
				transfer.Add(res)
				transfer.End(res, nil)
			}
		})
	}
}

// BenchmarkSession is a client that connects, logs in and disconnects.
func BenchmarkSession(b *testing.B) {
	for _, others := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("among %d", others), func(b *testing.B) {
			r := withSessions(b, others)
			r.MaxConns, r.MaxConnsPerAddr, r.MaxConnsPerUser = 1<<30, 1<<30, 1<<30
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				c := at("192.0.2.2")
				for pb.Next() {
					s := enter(b, r, c)
					_ = s.SetUser("ann", 0)
					s.Leave()
				}
			})
		})
	}
}

// BenchmarkEnterLeave is a client that connects, has one small response and disconnects,
// among many idle sessions. A server embeds the session in its connection.
func BenchmarkEnterLeave(b *testing.B) {
	run := func(b *testing.B, r *live.Registry) {
		for i := range 10_000 {
			enter(b, r, clientNumber(i))
		}
		c := clientNumber(20_000)
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				s := new(live.Session)
				if err := s.Enter(r, c); err != nil {
					b.Error(err)
				}
				s.Count(s0, sendfile.Result{Sent: 1})
				s.Leave()
			}
		})
	}
	b.Run("without limits", func(b *testing.B) { run(b, new(live.Registry)) })
	b.Run("with limits", func(b *testing.B) { run(b, &live.Registry{MaxConns: 1 << 20, MaxConnsPerAddr: 1 << 20}) })
}

// BenchmarkThroughput sends a file over loopback: without a Registry, with one of
// 10,000 sessions, and with snapshots ten times a second too.
func BenchmarkThroughput(b *testing.B) {
	const size = 64 << 20
	for _, tt := range []struct {
		name    string
		others  int
		watched bool
		every   time.Duration // between snapshots; 0: none
	}{{"not recorded", 0, false, 0}, {"recorded among 10000", 10_000, true, 0}, {"with snapshots", 10_000, true, 100 * time.Millisecond}} {
		b.Run(tt.name, func(b *testing.B) {
			r := withSessions(b, tt.others)
			server, client := nettest.Pair(b)
			go func() { _, _ = io.Copy(io.Discard, client) }()
			f := nettest.PatternFile(b, size)
			var s *live.Session
			if tt.watched {
				s = enter(b, r, live.Client{Remote: live.AddrPortOf(server.RemoteAddr()), Conn: server})
				defer s.Leave()
			}
			stop := make(chan struct{})
			var watching sync.WaitGroup
			if tt.every > 0 {
				watching.Go(func() {
					ticks := time.NewTicker(tt.every)
					defer ticks.Stop()
					for {
						select {
						case <-stop:
							return
						case <-ticks.C:
							live.Snapshot(r)
						}
					}
				})
			}
			b.SetBytes(size)
			b.ResetTimer()
			for b.Loop() {
				t := s.Begin(live.Job{Op: "GET", Path: "/some/path", Size: size, Before: -1})
				res, err := sendfile.Send(b.Context(), server, f, 0, size, &sendfile.Options{Progress: t.Hook()})
				t.End(res, err)
				if err != nil {
					b.Fatal(err)
				}
			}
			close(stop)
			watching.Wait()
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	r := withSessions(b, 10_000)
	for b.Loop() {
		live.Snapshot(r)
	}
}
