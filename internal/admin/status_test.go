package admin

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/live"
	"sluice/internal/nettest"
)

// The names in the JSON are a promise.
func TestStatusJSON(t *testing.T) {
	st := Status{
		Status: live.Status{
			Schema: live.Schema, Now: time.Unix(1e9+60, 0).UTC(), Started: time.Unix(1e9, 0).UTC(),
			Totals: live.Totals{Protocols: []live.ProtocolTotal{}, Bytes: []live.ByteTotal{}, Transfers: []live.TransferTotal{}},
			Sessions: []live.SessionStatus{{
				ID: 7, Protocol: live.FTPS, User: "alice", Since: time.Unix(1e9+1, 0).UTC(), LastActive: time.Unix(1e9+2, 0).UTC(), State: "idle",
			}},
		},
		Server: Server{
			Version: "1.2.3", PID: 4711, Start: 8150, Boot: "5b7e9a40-boot", Draining: true,
			Process: Process{CPU: new(1.5), RSS: new(uint64(1000)), VMS: new(uint64(2000)), Threads: new(5), FDs: new(6), MaxFDs: new(uint64(20000))},
			Listeners: []Listener{
				{Protocol: "http", Address: "127.0.0.1:80", Waiting: new(0), Backlog: new(4096), Drops: new(uint64(0))},
				{Protocol: "ftp", Address: "127.0.0.1:21"}, // where the system tells nothing
			},
			Cache: &Cache{1, 2, 3, 4}, Passive: &PassivePorts{Used: 1},
			Contained: &Contained{
				User: "sluice", UID: new(900), GID: new(901), Caps: []string{}, NoNewPrivs: true,
				Landlock: "ABI 2, read-only", Seccomp: "no execve", Lacks: []string{"proof: there is no /proc"},
			},
		},
	}
	got, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	want := nettest.Golden(t, "status.json", string(got))
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("status.json (-want +got), run with UPDATE=1 if that is right:\n%s", diff)
	}
	var back Status
	if err := json.Unmarshal([]byte(want), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(st, back); diff != "" {
		t.Errorf("what is read differs from what was written:\n%s", diff)
	}
}

func TestStatusTellsTheServer(t *testing.T) {
	h := busy(t)
	defer h.Close()
	s := h.Status().Server
	if s.PID != os.Getpid() || s.Version != "1.2.3" {
		t.Errorf("got the PID %d and version %q", s.PID, s.Version)
	}
	if got, want := *s.Cache, (Cache{4, 3, 2000, 7}); got != want {
		t.Errorf("got the cache %v, want %v", got, want)
	}
	if got, want := *s.Passive, (PassivePorts{2, 10}); got != want {
		t.Errorf("got the passive ports %v, want %v", got, want)
	}
	if onLinux && (*s.Process.CPU <= 0 || *s.Process.RSS == 0 || *s.Process.FDs < 3 || *s.Process.Threads < 1) {
		t.Errorf("got the process %+v", s.Process)
	}
}

func TestStatusOfLittle(t *testing.T) {
	h := &Handler{Live: new(live.Registry)}
	defer h.Close()
	s := h.Status().Server
	if s.Cache != nil || s.Passive != nil || len(s.Listeners) != 0 {
		t.Errorf("got %+v, want nothing that was not given", s)
	}
	if b, err := json.Marshal(s); err != nil || !bytes.Contains(b, []byte(`"listeners":[]`)) {
		t.Errorf("got %s, %v, want a list without elements", b, err)
	}
}

// Sockets that share an address are one row, or else Prometheus would see two
// metrics of one name.
func TestListenersThatShareAnAddress(t *testing.T) {
	ln := listen(t, "tcp", "127.0.0.1:0")
	h := &Handler{Live: new(live.Registry), Listeners: []Door{{"http", ln}, {"http", ln}, {"ftp", ln}}}
	defer h.Close()
	peer, err := net.Dial("tcp", ln.Addr().String()) // nobody accepts it
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
		t.Errorf("got %d and %d that wait, want 2 and 1", *rows[0].Waiting, *rows[1].Waiting)
	}
	if got, want := *rows[0].Backlog, 2**rows[1].Backlog; got != want {
		t.Errorf("got a limit of %d, want %d", got, want)
	}
	if status, body := get(t, h, "/metrics"); status != 200 {
		t.Errorf("/metrics: got %d %q", status, body)
	}
}
