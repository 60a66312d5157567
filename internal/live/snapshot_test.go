package live_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
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
		down := enter(t, &r, live.Client{Protocol: live.HTTPS})
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

func TestAddressesInASnapshot(t *testing.T) {
	dir, err := os.MkdirTemp("", "") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ln, err := net.Listen("unix", dir+"/server")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	accept := func(from string) net.Conn {
		t.Helper()
		var local *net.UnixAddr
		if from != "" {
			local = &net.UnixAddr{Name: from}
		}
		client, err := net.DialUnix("unix", local, ln.Addr().(*net.UnixAddr))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		server, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		return server
	}
	unnamed := accept("")
	tcp, _ := nettest.Pair(t)
	for _, tt := range []struct {
		name          string
		client        live.Client
		remote, local string
	}{
		{"TCP", live.Client{Remote: live.AddrPortOf(tcp.RemoteAddr()), Conn: tcp}, tcp.RemoteAddr().String(), tcp.LocalAddr().String()},
		{"TCP behind a proxy", live.Client{Remote: netip.MustParseAddrPort("[2001:db8::1]:5"), Conn: tcp}, "[2001:db8::1]:5", tcp.LocalAddr().String()},
		{"an IPv4-mapped address", live.Client{Remote: netip.MustParseAddrPort("[::ffff:192.0.2.1]:5")}, "192.0.2.1:5", ""},
		{"an address with a zone", live.Client{Remote: netip.MustParseAddrPort("[fe80::1%eth0]:5")}, "[fe80::1%eth0]:5", ""},
		{"an unnamed unix socket", live.Client{Conn: unnamed}, unnamed.RemoteAddr().String(), dir + "/server"},
		{"a named unix socket", live.Client{Conn: accept(dir + "/client")}, dir + "/client", dir + "/server"},
		{"a unix socket behind a proxy", live.Client{Remote: netip.MustParseAddrPort("192.0.2.1:5"), Conn: unnamed}, "192.0.2.1:5", dir + "/server"},
		{"no connection", live.Client{}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r live.Registry
			s := enter(t, &r, tt.client)
			if st := live.Snapshot(&r).Sessions[0]; st.Remote != tt.remote || st.Local != tt.local {
				t.Errorf("got %q to %q, want %q to %q", st.Remote, st.Local, tt.remote, tt.local)
			}
			var rec live.Record
			s.Report(&rec, nil)
			if text := rec.Remote.String(); rec.Remote.IsValid() && text != tt.remote || rec.Remote.IsValid() != tt.client.Remote.IsValid() {
				t.Errorf("the record has %q, want %q", text, tt.remote)
			}
		})
	}
}

func TestASessionBeginsWhenItsConnectionWasAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct{ since, want time.Time }{
			"the caller knows when": {s0, s0},
			"just now":              {time.Time{}, time.Now()},
		} {
			var r live.Registry
			enter(t, &r, live.Client{Since: tt.since})
			st := live.Snapshot(&r)
			if s := st.Sessions[0]; !s.Since.Equal(tt.want) || !s.LastActive.Equal(tt.want) || !st.Started.Equal(tt.want) {
				t.Errorf("%s: since %v, last active %v, started %v, want %v", name, s.Since, s.LastActive, st.Started, tt.want)
			}
		}
	})
}

// Sessions count each method apart, in both directions, and pass that on to the totals.
func TestEachMethodIsCounted(t *testing.T) {
	var r live.Registry
	s := enter(t, &r, at("192.0.2.1"))
	want := make(map[string]uint64)
	var sent, received uint64
	for m := sendfile.Auto; m <= sendfile.TransmitFile; m++ {
		name := m.String()
		if m == sendfile.Auto {
			name = ""
		}
		small, down, up := uint64(1)<<m, uint64(1)<<(m+8), uint64(1)<<(m+16)
		s.Count(s0, sendfile.Result{Sent: int64(small), Method: m})
		s.Begin(live.Job{Size: 1}).End(sendfile.Result{Sent: int64(down), Method: m}, nil)
		s.Begin(live.Job{Size: 1, Upload: true}).End(sendfile.Result{Sent: int64(up), Method: m}, nil)
		want["out "+name], want["in "+name] = small+down, up
		sent, received = sent+small+down, received+up
	}
	check := func(when string) {
		t.Helper()
		got := make(map[string]uint64)
		for _, b := range live.Snapshot(&r).Totals.Bytes {
			got[b.Direction+" "+b.Method] = b.Bytes
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
	}
	check("before Leave")
	if st := s.Status(); st.Sent != sent || st.Received != received {
		t.Errorf("%d bytes sent and %d received, want %d and %d", st.Sent, st.Received, sent, received)
	}
	s.Leave()
	check("after Leave")
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
	s := enter(t, &r, live.Client{Remote: live.AddrPortOf(server.RemoteAddr()), Conn: server})
	for name, serve := range map[string]func(){
		"a small answer": func() { s.Count(s0, sendfile.Result{Sent: 1}) },
		"a request without a kept answer": func() {
			s.SetCommand("GET /some/path")
			s.Count(s0, sendfile.Result{Sent: 1, Method: sendfile.Copy})
			s.SetCommand("")
		},
		"an upload": func() {
			transfer := s.Begin(live.Job{Op: "PUT", Path: "/some/path", Size: -1, Upload: true})
			transfer.Add(sendfile.Result{Sent: 1 << 20, Method: sendfile.Splice})
			transfer.End(sendfile.Result{Sent: 1 << 20, Method: sendfile.Splice}, nil)
		},
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
