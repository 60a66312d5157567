package live_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/internal/status"
	"sluice/sendfile"
)

// slowStore is a file of a store: each read of it takes a while.
type slowStore struct{ pause time.Duration }

func (s slowStore) ReadAt(p []byte, _ int64) (int, error) {
	time.Sleep(s.pause)
	return min(len(p), 10_000), nil
}

func TestADownloadIsHeldBackByItsStore(t *testing.T) {
	var r live.Registry
	server, client := nettest.Pair(t)
	s := enter(t, &r, live.Client{Conn: server})
	go func() { _, _ = io.Copy(io.Discard, client) }()
	const size = 500_000
	transfer := s.Begin(live.Job{Op: "GET", Path: "/f", Size: size})
	f := slowStore{pause / 2}
	ended := make(chan live.Record, 1)
	go func() {
		res, err := sendfile.Send(t.Context(), server, f, 0, size, &sendfile.Options{Progress: transfer.Progress, Disk: transfer.Waiting(f, nil)})
		ended <- transfer.End(res, err)
	}()
	await(t, &r, func(st status.Transfer) bool { return st.Cause == live.Store.String() })
	if rec := <-ended; rec.Cause != live.Store || rec.Outcome != live.Complete {
		t.Errorf("got %+v, want the cause %v", rec, live.Store)
	}
}

// admission counts calls.
type admission struct {
	inside int
	err    error
}

func (a *admission) Enter() error {
	if a.err == nil {
		a.inside++
	}
	return a.err
}
func (a *admission) Leave() { a.inside-- }

func TestTheAdmissionOfAStoreStaysInForce(t *testing.T) {
	var r live.Registry
	s := enter(t, &r, live.Client{})
	transfer := s.Begin(live.Job{Op: "GET", Size: -1})
	disk := new(admission)
	both := transfer.Waiting(slowStore{}, disk)
	if err := both.Enter(); err != nil || disk.inside != 1 {
		t.Errorf("Enter: %v, %d calls are inside", err, disk.inside)
	}
	both.Leave()
	disk.err = io.ErrClosedPipe
	if err := both.Enter(); err != disk.err || disk.inside != 0 {
		t.Errorf("Enter: %v, %d calls are inside, want %v", err, disk.inside, disk.err)
	}
	if again := transfer.Waiting(slowStore{}, both); again != both {
		t.Error("it is measured twice")
	}
	transfer.End(sendfile.Result{}, nil)
}

func TestAFileOfThisHostIsNoStore(t *testing.T) {
	var r live.Registry
	s := enter(t, &r, live.Client{})
	transfer := s.Begin(live.Job{Op: "GET", Size: -1})
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	disk := new(admission)
	var none *live.Transfer
	if transfer.Waiting(f, disk) != disk || none.Waiting(slowStore{}, disk) != disk {
		t.Error("another admission takes the place of the disk's")
	}
	transfer.End(sendfile.Result{}, nil)
}
