package live_test

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"

	"sluice/internal/live"
	"sluice/sendfile"
)

// clientNumber returns a client with an address of its own.
func clientNumber(i int) live.Client {
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], 10<<24+uint32(i))
	return live.Client{Remote: netip.AddrPortFrom(netip.AddrFrom4(ip), 1000)}
}

// inUse returns the bytes of all objects that are in use.
func inUse() int {
	for range 2 { // the second collects what pools had kept
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestIdleSessionsTakeLittleMemory(t *testing.T) {
	const sessions, most = 10_000, 180 // bytes each, with the share of the list: 160 and up to 16
	requests := map[string]func(*live.Session){
		"a kept answer": func(s *live.Session) { s.Count(s0, sendfile.Result{Sent: 1, Method: sendfile.Copy}) },
		"another answer": func(s *live.Session) {
			s.SetCommand("GET /some/path")
			s.Count(s0, sendfile.Result{Sent: 1, Method: sendfile.Sendfile})
			s.SetCommand("")
		},
	}
	for name, serve := range requests {
		t.Run(name, func(t *testing.T) {
			var r live.Registry
			all := make([]*live.Session, sessions)
			before := inUse()
			for i := range all {
				all[i] = enter(t, &r, clientNumber(i))
				serve(all[i])
			}
			if got := (inUse() - before) / sessions; got > most {
				t.Errorf("%d bytes for each session, want %d at most", got, most)
			}
			runtime.KeepAlive(all)
		})
	}
}

func TestEnterAndLeaveHardlyAllocate(t *testing.T) {
	type connection struct {
		session live.Session
		_       [100]byte
	}
	var r live.Registry
	for i := range 100 { // so that the list has room
		defer enter(t, &r, clientNumber(i)).Leave()
	}
	const runs = 100
	embedded := make([]connection, runs+1) // AllocsPerRun calls once more
	for _, tt := range []struct {
		name string
		next func() *live.Session
		want float64
	}{
		{"a session of its own", func() *live.Session { return enter(t, &r, clientNumber(1)) }, 1},
		{"a session in a connection", func() *live.Session {
			s := &embedded[0].session
			embedded = embedded[1:]
			if err := s.Enter(&r, clientNumber(1)); err != nil {
				t.Fatal(err)
			}
			return s
		}, 0},
	} {
		got := testing.AllocsPerRun(runs, func() {
			s := tt.next()
			s.Count(s0, sendfile.Result{Sent: 1})
			s.Leave()
		})
		if got != tt.want {
			t.Errorf("%s: %v allocations, want %v", tt.name, got, tt.want)
		}
	}
}
