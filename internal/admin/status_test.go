package admin

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"testing"

	"sluice/internal/live"
	"sluice/internal/status"
)

func TestStatusDescribesTheServer(t *testing.T) {
	h := withSessions(t)
	defer h.Close()
	s := h.Status().Server
	if s.PID != os.Getpid() || s.Version != "1.2.3" {
		t.Errorf("got the PID %d and version %q", s.PID, s.Version)
	}
	if got, want := *s.Cache, (status.Cache{Entries: 4, Files: 3, Memory: 2000, Opens: 7}); got != want {
		t.Errorf("got the cache %v, want %v", got, want)
	}
	if got, want := *s.Passive, (status.PassivePorts{Used: 2, Total: 10}); got != want {
		t.Errorf("got the passive ports %v, want %v", got, want)
	}
	if onLinux && (*s.Process.CPU <= 0 || *s.Process.RSS == 0 || *s.Process.FDs < 3 || *s.Process.Threads < 1) {
		t.Errorf("got the process %+v", s.Process)
	}
	if onLinux && (s.Host == nil || s.Host.CPU == nil || s.Host.CPU.User <= 0 || s.Host.CPU.Processors == 0 || s.Host.ListenOverflows == nil || *s.Host.ListenDrops < *s.Host.ListenOverflows) {
		t.Errorf("got the host %+v", s.Host)
	}
}

func TestStatusLeavesOutUnknownValues(t *testing.T) {
	h := &Handler{Live: new(live.Registry)}
	defer h.Close()
	s := h.Status().Server
	if s.Cache != nil || s.Passive != nil || len(s.Listeners) != 0 {
		t.Errorf("got %+v, want no optional values", s)
	}
	if b, err := json.Marshal(s); err != nil || !bytes.Contains(b, []byte(`"listeners":[]`)) {
		t.Errorf("got %s, %v, want an empty list", b, err)
	}
}

// Sockets that share an address are one row, because Prometheus allows no two series
// with the same labels.
func TestListenersThatShareAnAddress(t *testing.T) {
	ln := listen(t, "tcp", "127.0.0.1:0")
	h := &Handler{Live: new(live.Registry), Listeners: []Listener{{"http", ln}, {"http", ln}, {"ftp", ln}}}
	defer h.Close()
	peer, err := net.Dial("tcp", ln.Addr().String()) // it stays in the queue
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	rows := h.Status().Server.Listeners
	if len(rows) != 2 || rows[0].Protocol != "http" || rows[1].Protocol != "ftp" {
		t.Fatalf("got %+v, want one row for http and one for ftp", rows)
	}
	if !onLinux {
		return
	}
	if *rows[0].Waiting != 2 || *rows[1].Waiting != 1 {
		t.Errorf("got %d and %d waiting, want 2 and 1", *rows[0].Waiting, *rows[1].Waiting)
	}
	if got, want := *rows[0].Backlog, 2**rows[1].Backlog; got != want {
		t.Errorf("got a limit of %d, want %d", got, want)
	}
	if status, body := get(t, h, "/metrics"); status != 200 {
		t.Errorf("/metrics: got %d %q", status, body)
	}
}
