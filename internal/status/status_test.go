package status

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/nettest"
)

// Programs of others read the JSON, so its fields must not change.
func TestStatusJSON(t *testing.T) {
	st := Status{
		Snapshot: Snapshot{
			Schema: Schema, Now: time.Unix(1e9+60, 0).UTC(), Started: time.Unix(1e9, 0).UTC(),
			Totals: Totals{Protocols: []ProtocolTotal{}, Bytes: []ByteTotal{}, Transfers: []TransferTotal{}},
			Sessions: []Session{{
				ID: 7, Protocol: "ftps", User: "alice", Since: time.Unix(1e9+1, 0).UTC(), LastActive: time.Unix(1e9+2, 0).UTC(), State: "idle",
			}},
		},
		Server: Server{
			Version: "1.2.3", PID: 4711, Start: 8150, Boot: "5b7e9a40-boot", Draining: true,
			Process: Process{CPU: new(1.5), RSS: new(uint64(1000)), VMS: new(uint64(2000)), Threads: new(5), FDs: new(6), MaxFDs: new(uint64(20000))},
			Listeners: []Listener{
				{Protocol: "http", Address: "127.0.0.1:80", Waiting: new(0), Backlog: new(4096), Drops: new(uint64(0))},
				{Protocol: "ftp", Address: "127.0.0.1:21"}, // a system that reports nothing
			},
			Host: &Host{
				CPU:             &HostCPU{Processors: 2, User: 1.5, Nice: new(0.0), System: 2.5, Idle: 3.5, IOWait: new(4.5), IRQ: new(5.5), SoftIRQ: new(6.5), Steal: new(7.5)},
				ListenOverflows: new(uint64(8)), ListenDrops: new(uint64(9)),
			},
			Cache: &Cache{1, 2, 3, 4}, Passive: &PassivePorts{Used: 1},
			Contained: &Contained{
				User: "sluice", UID: new(900), GID: new(901), Caps: []string{}, NoNewPrivs: true,
				Landlock: "ABI 2, read-only", Seccomp: "no execve", Lacks: []string{"proof: there is no /proc"},
			},
			Mounts: []Mount{{Point: "/srv/nfs", Calls: 64, Waiting: 3, Hung: true, Refused: 9}},
			Budget: []Pool{
				{
					Name: "checksums", Size: 1, InUse: 1, Waiting: 1, Waits: 7, Waited: 1.5, Refused: 2,
					Queue: []Wait{{Client: "192.0.2.1", By: "eve@192.0.2.66", Since: time.Unix(1e9+3, 0).UTC()}},
				},
				{Name: "listings", Size: 64},
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
		t.Errorf("json (-want +got), run with UPDATE=1 if that is right:\n%s", diff)
	}
	var back Status
	if err := json.Unmarshal([]byte(want), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(st, back); diff != "" {
		t.Errorf("reading back differs (-want +got):\n%s", diff)
	}
}
