//go:build e2e

package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Clients that read slowly, or that a rate limit holds back, delay no others.
func TestSlowClientsDelayNoOthers(t *testing.T) {
	const clients, size = 100, 100 << 20
	eachDriver(t, func(t *testing.T, d driver) {
		for _, tt := range []struct {
			name    string
			flags   []string
			limited int // clients that read as fast as the limit lets them
		}{
			{"without limits", nil, 0},
			// The files of the probe are shorter than the exempt part.
			{"with limits", []string{"--max-rate", "10GB", "--max-rate-per-transfer", "100KB", "--rate-after", "11MB"}, 20},
		} {
			t.Run(tt.name, func(t *testing.T) {
				s := d.serve(t, t.TempDir(), tt.flags...)
				s.makeProbeFiles()
				s.file("mem/huge", size)
				quiet := d.serveQuiet(t)
				before := s.held()
				var limited []net.Conn
				done := make(chan struct{})
				var reading sync.WaitGroup
				for range clients {
					c := request(t, s, get("mem/huge"))
					reading.Go(func() {
						tick := time.NewTicker(50 * time.Millisecond)
						defer tick.Stop()
						for buf := make([]byte, 1<<10); ; {
							select {
							case <-done:
								_ = c.conn.Close()
								return
							case <-tick.C:
							}
							if _, err := io.ReadFull(c.conn, buf); err != nil {
								t.Errorf("a slow client: %v", err)
								return
							}
						}
					})
				}
				for range tt.limited {
					begun := time.Now()
					c := request(t, s, get("mem/huge"))
					reading.Go(func() {
						n, _ := io.Copy(io.Discard, c.conn) // until it is closed here
						took := time.Since(begun)
						if n < 11e6 || float64(n) > 11.5e6+100e3*took.Seconds() {
							t.Errorf("a limited client got %d bytes in %v", n, took)
						}
					})
					limited = append(limited, c.conn)
				}
				eventually(t, "all slow clients are served", func() bool { return s.metric("sluice_sessions", `state="sending"`) == clients+float64(tt.limited) })
				if tt.limited > 0 {
					eventually(t, "the limit holds all limited clients back", func() bool {
						return s.metric("sluice_transfers_running", `cause="rate limit",direction="out"`) >= float64(tt.limited)
					})
				}
				p, ofQuiet := s.probe(t, quiet, 2*time.Second)
				if got := s.metric("sluice_sessions", `state="sending"`); got != clients+float64(tt.limited) {
					t.Errorf("%v slow and limited clients at the end, want %d", got, clients+tt.limited)
				}
				close(done)
				for _, c := range limited {
					_ = c.Close()
				}
				reading.Wait()
				p.wantFast(t, probeLimits{150 * time.Millisecond, 500 * time.Millisecond}, ofQuiet)
				s.wantHeld(t, before)
			})
		}
	})
}
