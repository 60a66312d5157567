package live_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/internal/status"
	"sluice/sendfile"
)

// s0 is any time.
var s0 = time.Unix(1_000_000_000, 0)

// fakeConn has addresses and nothing else.
type fakeConn struct {
	net.Conn
	local net.Addr
}

func (c fakeConn) LocalAddr() net.Addr { return c.local }

// Programs of others read the JSON, so its fields must not change.
func TestSnapshotAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // with a fake clock
		r := live.Registry{MaxConns: 100, MaxConnsPerUser: 5}
		local := fakeConn{local: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 21}}
		c := at("192.0.2.1")
		c.Protocol, c.Conn = live.FTP, local
		login := enter(t, &r, c)
		login.SetProtocol(live.FTPS)
		time.Sleep(time.Second)

		up := enter(t, &r, c)
		_ = up.SetUser("ann <admin>", 0)
		up.SetCommand("STOR a b")
		stor := up.Begin(live.Job{Op: "STOR", Path: "/a b", Offset: 1000, Size: -1, Upload: true})
		working := enter(t, &r, at("192.0.2.2"))
		working.Count(time.Now(), sendfile.Result{Sent: 7})
		working.SetCommand("GET /?zip")
		down := enter(t, &r, live.Client{Protocol: live.HTTPS, Remote: &net.UnixAddr{Net: "unix"}})
		get := down.Begin(live.Job{Op: "GET", Path: "/c", Size: 1000})
		small := down.Begin(live.Job{Op: "GET", Path: "/small", Size: 9})
		for range 10 {
			time.Sleep(100 * time.Millisecond)
			stor.Add(sendfile.Result{Sent: 1000, Method: sendfile.Splice})
			get.Add(sendfile.Result{Sent: 25, Method: sendfile.Sendfile})
		}
		rec := small.End(sendfile.Result{Sent: 9, Method: sendfile.Copy}, errors.New("reset"))
		down.Report(&rec, nil)
		time.Sleep(500 * time.Millisecond)
		got, err := json.MarshalIndent(live.Snapshot(&r), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(nettest.Golden(t, "status.json", string(got)+"\n"), string(got)+"\n"); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		var back status.Snapshot
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatal(err)
		}
		if again, _ := json.MarshalIndent(back, "", "  "); string(again) != string(got) {
			t.Errorf("read back it is\n%s", again)
		}
		get.End(sendfile.Result{Sent: 250}, nil)
		stor.End(sendfile.Result{Sent: 10_000}, nil)
		time.Sleep(2 * time.Second) // until the timer has stopped
	})
}

func TestRateIsOfTheLastSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r live.Registry
		s := enter(t, &r, at("192.0.2.1"))
		transfer := s.Begin(live.Job{Op: "GET", Size: 100_000_000})
		rate := func() *float64 { return live.Snapshot(&r).Sessions[0].Transfers[0].Rate }
		run := func(d time.Duration, perStep int64) {
			for range d / (100 * time.Millisecond) {
				time.Sleep(100 * time.Millisecond)
				transfer.Add(sendfile.Result{Sent: perStep})
			}
		}
		if got := rate(); got != nil {
			t.Errorf("at once %v, want no rate", *got)
		}
		within := func(when string, from, to float64) {
			t.Helper()
			if got := rate(); got == nil || *got < from || *got > to {
				t.Errorf("%s: got %v, want %v to %v", when, got, from, to)
			}
		}
		run(time.Minute, 100_000)
		within("steady", 999_999, 1_000_001)
		run(6*time.Second, 10_000)
		within("slower for 6 s", 99_999, 100_001)
		time.Sleep(7 * time.Second)
		within("stuck for 7 s", 0, 1)
		if eta := live.Snapshot(&r).Sessions[0].Transfers[0].ETA; eta != nil {
			t.Errorf("stuck: ETA %v, want none", *eta)
		}
		transfer.End(sendfile.Result{}, nil)
		time.Sleep(2 * time.Second)
	})
}

func TestOutcomes(t *testing.T) {
	var r live.Registry
	s := enter(t, &r, at("192.0.2.1"))
	for _, tt := range []struct {
		name string
		err  error
		want live.Outcome
	}{
		{"no error", nil, live.Complete},
		{"of the peer", &sendfile.Error{Side: sendfile.Peer, Err: io.EOF}, live.PeerFailed},
		{"of the file", &sendfile.Error{Side: sendfile.File, Err: io.EOF}, live.FileFailed},
		{"of the caller", &sendfile.Error{Side: sendfile.Caller, Err: io.EOF}, live.Cut},
		{"a closed connection", &net.OpError{Op: "write", Err: net.ErrClosed}, live.Cut},
		{"a file that has shrunk", io.ErrUnexpectedEOF, live.FileFailed},
		{"a file that cannot be opened", &fs.PathError{Op: "open", Err: fs.ErrPermission}, live.FileFailed},
		{"another", errors.New("stream closed"), live.PeerFailed},
	} {
		if got := s.Begin(live.Job{}).End(sendfile.Result{}, tt.err).Outcome; got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestRecordingDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("with the race detector, sync.Pool drops items at random")
	}
	var r live.Registry
	server, _ := nettest.Pair(t)
	s := enter(t, &r, live.Client{Remote: server.RemoteAddr(), Conn: server})
	for name, serve := range map[string]func(){
		"a small answer": func() { s.Count(s0, sendfile.Result{Sent: 1}) },
		"a transfer": func() {
			transfer := s.Begin(live.Job{Op: "GET", Path: "/some/path", Size: 1 << 20})
			transfer.Hook()(sendfile.Result{Sent: 1 << 18, Method: sendfile.Sendfile})
			transfer.Add(sendfile.Result{Sent: 1 << 20, Method: sendfile.Sendfile})
			transfer.End(sendfile.Result{Sent: 1 << 20, Method: sendfile.Sendfile}, nil)
		},
	} {
		if got := testing.AllocsPerRun(100, serve); got != 0 {
			t.Errorf("%s: %v allocations, want none", name, got)
		}
	}
}
