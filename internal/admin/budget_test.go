package admin

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/budget"
	"sluice/internal/live"
	"sluice/internal/mounts"
	"sluice/internal/status"
)

func TestWaitsAreShown(t *testing.T) {
	h := &Handler{Live: new(live.Registry), Budget: budget.New()}
	defer h.Close()
	h.once.Do(h.prepare) // outside of the bubble
	eve := budget.Party{Client: netip.MustParseAddr("192.0.2.66"), Account: "eve"}
	client := budget.Party{Client: netip.MustParseAddr("192.0.2.1")}
	var body string
	var pool status.Pool
	var since time.Time
	synctest.Test(t, func(t *testing.T) {
		sums := h.Budget.Checksums
		sums.SetBounds(budget.Bounds{Size: 1, Queue: 100, QueuePerClient: 30})
		if _, err := sums.TryTake(eve, 1); err != nil {
			t.Fatal(err)
		}
		since = time.Now().UTC()
		for range 31 { // the last one is refused
			go func() { _, _ = sums.Take(t.Context(), client, 1, 0) }()
			synctest.Wait()
		}
		pool = h.Status().Server.Budget[0]
		_, body = get(t, h, "/metrics")
	})
	want := status.Pool{Name: "checksums", Size: 1, InUse: 1, Waiting: 30, Refused: 1}
	for range maxQueue {
		want.Queue = append(want.Queue, status.Wait{Client: "192.0.2.1", By: "eve@192.0.2.66", Since: since})
	}
	if diff := cmp.Diff(want, pool); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	for _, line := range []string{
		`sluice_budget_units_in_use{pool="checksums"} 1`,
		`sluice_budget_waiting{pool="checksums"} 30`,
		`sluice_budget_refusals_total{pool="checksums"} 1`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("got no line %s", line)
		}
	}
}

func TestFileSystemsThatDoNotAnswerAreShown(t *testing.T) {
	h := &Handler{Live: new(live.Registry), Mounts: func() []mounts.State {
		return []mounts.State{{Point: "/", Inside: 2}, {Point: "/srv/nfs", Inside: 64, Waiting: 3, Hung: true, Refused: 9}, {Point: "/mnt", Refused: 1}}
	}}
	defer h.Close()
	want := []status.Mount{{Point: "/srv/nfs", Calls: 64, Waiting: 3, Hung: true, Refused: 9}, {Point: "/mnt", Refused: 1}}
	if diff := cmp.Diff(want, h.Status().Server.Mounts); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	_, body := get(t, h, "/metrics")
	for _, line := range []string{
		`sluice_mount_hung{mount="/srv/nfs"} 1`,
		`sluice_mount_hung{mount="/mnt"} 0`,
		`sluice_mount_calls{mount="/srv/nfs"} 64`,
		`sluice_mount_refused_calls_total{mount="/srv/nfs"} 9`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("got no line %s", line)
		}
	}
	if strings.Contains(body, `mount="/"`) {
		t.Error("a file system that has always answered is shown")
	}
}
