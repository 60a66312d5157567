package live_test

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/internal/status"
	"sluice/sendfile"
)

// at returns a client with an address.
func at(address string) live.Client {
	return live.Client{Remote: netip.AddrPortFrom(netip.MustParseAddr(address), 1000)}
}

// ftp and ftps return clients of these protocols.
func ftp(address string) live.Client  { return withProtocol(live.FTP, address) }
func ftps(address string) live.Client { return withProtocol(live.FTPS, address) }

func withProtocol(p live.Protocol, address string) live.Client {
	c := at(address)
	c.Protocol = p
	return c
}

func enter(t testing.TB, r *live.Registry, c live.Client) *live.Session {
	t.Helper()
	s, err := live.Enter(r, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEnterKeepsToTheLimits(t *testing.T) {
	unix, proxy := live.Client{}, at("192.0.2.1")
	proxy.Shared = true
	for _, tt := range []struct {
		name    string
		reg     *live.Registry
		clients []live.Client // all but the last are accepted
		want    error         // for the last
	}{
		{"no limit", &live.Registry{}, []live.Client{at("192.0.2.1"), at("192.0.2.1"), at("192.0.2.1")}, nil},
		{"up to the limit", &live.Registry{MaxConns: 2}, []live.Client{at("192.0.2.1"), at("192.0.2.2")}, nil},
		{"beyond the limit", &live.Registry{MaxConns: 2}, []live.Client{at("192.0.2.1"), unix, at("192.0.2.3")}, live.ErrTooMany},
		{"too many from one address", &live.Registry{MaxConnsPerAddr: 2}, []live.Client{at("192.0.2.1"), at("192.0.2.1"), at("192.0.2.1")}, live.ErrTooManyFromAddr},
		{"from another address", &live.Registry{MaxConnsPerAddr: 2}, []live.Client{at("192.0.2.1"), at("192.0.2.1"), at("192.0.2.2")}, nil},
		{"an IPv4-mapped address", &live.Registry{MaxConnsPerAddr: 1}, []live.Client{at("192.0.2.1"), at("::ffff:192.0.2.1")}, live.ErrTooManyFromAddr},
		{"one IPv6 network", &live.Registry{MaxConnsPerAddr: 1}, []live.Client{at("2001:db8::1"), at("2001:db8::ffff:1")}, live.ErrTooManyFromAddr},
		{"two IPv6 networks", &live.Registry{MaxConnsPerAddr: 1}, []live.Client{at("2001:db8::1"), at("2001:db8:0:1::1")}, nil},
		{"too many by FTP", &live.Registry{MaxFTPConns: 2}, []live.Client{ftp("192.0.2.1"), ftps("192.0.2.2"), ftp("192.0.2.3")}, live.ErrTooMany},
		{"too many by FTP from one address", &live.Registry{MaxFTPConnsPerAddr: 1}, []live.Client{ftp("192.0.2.1"), ftps("192.0.2.1")}, live.ErrTooManyFromAddr},
		{"HTTP has no FTP limit", &live.Registry{MaxFTPConns: 1, MaxFTPConnsPerAddr: 1}, []live.Client{ftp("192.0.2.1"), at("192.0.2.1"), at("192.0.2.1")}, nil},
		{"FTP counts in the limit of all", &live.Registry{MaxConns: 2, MaxFTPConns: 9}, []live.Client{ftp("192.0.2.1"), at("192.0.2.1"), ftp("192.0.2.2")}, live.ErrTooMany},
		{"a proxy serves many clients", &live.Registry{MaxConnsPerAddr: 1}, []live.Client{proxy, proxy, at("192.0.2.1"), at("192.0.2.1")}, live.ErrTooManyFromAddr},
		{"unix sockets have no address", &live.Registry{MaxConnsPerAddr: 1}, []live.Client{unix, unix, unix}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			last := len(tt.clients) - 1
			var first *live.Session
			for _, c := range tt.clients[:last] {
				first = enter(t, tt.reg, c)
			}
			if _, err := live.Enter(tt.reg, tt.clients[last]); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if tt.want != nil {
				first.Leave()
				first.Leave() // the second call does nothing
				enter(t, tt.reg, tt.clients[last])
				refused := 0
				for _, p := range live.Snapshot(tt.reg).Totals.Protocols {
					refused += int(p.Refused)
				}
				if refused != 1 {
					t.Errorf("%d refused, want 1", refused)
				}
			}
		})
	}
}

func TestSetUserKeepsToTheLimits(t *testing.T) {
	r := live.Registry{MaxConnsPerUser: 2}
	var all []*live.Session
	for range 4 {
		all = append(all, enter(t, &r, at("192.0.2.1")))
	}
	set := func(s *live.Session, user string, limit int, want error) {
		t.Helper()
		if err := s.SetUser(user, limit); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", user, err, want)
		}
		if want != nil {
			user = ""
		}
		if got := s.User(); got != user {
			t.Errorf("got %q, want %q", got, user)
		}
	}
	set(all[0], "ann", 0, nil)
	set(all[0], "ann", 0, nil) // a second login
	set(all[1], "ann", 1, live.ErrTooManyOfUser)
	set(all[1], "ann", 9, nil)
	set(all[2], "ann", 9, live.ErrTooManyOfUser)
	set(all[2], "bob", 1, nil)
	set(all[3], "ann", 0, live.ErrTooManyOfUser)
	set(all[1], "bob", 0, nil)
	set(all[3], "ann", 0, nil)
	set(all[2], "ann", 0, live.ErrTooManyOfUser)
	all[0].Leave()
	set(all[2], "ann", 0, nil)
	if err := all[0].SetUser("late", 0); err != nil {
		t.Error(err)
	}
	var users []string
	for _, s := range live.Snapshot(&r).Sessions {
		users = append(users, s.User)
	}
	if got, want := fmt.Sprint(users), "[bob ann ann]"; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, s := range all {
		s.Leave()
	}
	var free []*live.Session
	for range 2 { // the sessions before no longer count
		free = append(free, enter(t, &r, at("192.0.2.1")))
		set(free[len(free)-1], "ann", 2, nil)
	}
}

func TestClientAddr(t *testing.T) {
	for _, tt := range []struct {
		name string
		addr net.Addr
		want string
	}{
		{"an IPv4 address", &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1).To4(), Port: 7}, "192.0.2.1"},
		{"an IPv4-mapped address", &net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.1")}, "192.0.2.1"},
		{"an IPv6 address", &net.TCPAddr{IP: net.ParseIP("2001:db8:1:2:3:4:5:6")}, "2001:db8:1:2::"},
		{"an address with a zone", &net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"}, "fe80::"},
		{"a unix socket", &net.UnixAddr{Name: "@", Net: "unix"}, "invalid IP"},
		{"no address", nil, "invalid IP"},
		{"TCP without an address", &net.TCPAddr{}, "invalid IP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := live.ClientAddr(tt.addr).String(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestKillClosesAllConnectionsOfASession(t *testing.T) {
	nettest.CheckLeaks(t)
	var r live.Registry
	control, controlClient := nettest.Pair(t)
	data, dataClient := nettest.Pair(t)
	other, _ := nettest.Pair(t)
	s := enter(t, &r, live.Client{Protocol: live.FTP, Remote: live.AddrPortOf(control.RemoteAddr()), Conn: control})
	enter(t, &r, live.Client{Protocol: live.FTP, Remote: live.AddrPortOf(other.RemoteAddr()), Conn: other})
	transfer := s.Begin(live.Job{Op: "RETR", Size: 1 << 30, Conn: data})
	if r.Kill(s.ID() + 100) {
		t.Error("killed a session that does not exist")
	}
	if !r.Kill(s.ID()) {
		t.Error("the session was not found")
	}
	for name, c := range map[string]net.Conn{"control": controlClient, "data": dataClient} {
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: read %d bytes, want an end", name, n)
		}
	}
	_, err := data.Write([]byte("x"))
	if got := transfer.End(sendfile.Result{}, err).Outcome; got != live.Cut {
		t.Errorf("outcome %v, want cut", got)
	}
	s.Leave()
	if r.Kill(s.ID()) {
		t.Error("killed a session after Leave")
	}
	if _, err := other.Write([]byte("x")); err != nil {
		t.Errorf("another session: %v", err)
	}
}

// closeCounter is a connection that counts how often it is closed.
type closeCounter struct {
	net.Conn
	closed atomic.Int32
}

func (c *closeCounter) Close() error        { c.closed.Add(1); return nil }
func (c *closeCounter) LocalAddr() net.Addr { return &net.UnixAddr{Name: "second"} }

func TestKillClosesTheConnectionThatSetConnHasSet(t *testing.T) {
	for _, tt := range []struct {
		name          string
		run           func(r *live.Registry, s *live.Session, second net.Conn)
		first, second int32 // how often each is closed
	}{
		{"killed afterwards", func(r *live.Registry, s *live.Session, second net.Conn) { s.SetConn(second); r.Kill(s.ID()) }, 0, 1},
		{"killed before", func(r *live.Registry, s *live.Session, second net.Conn) { r.Kill(s.ID()); s.SetConn(second) }, 1, 1},
		{"killed while there is none", func(r *live.Registry, s *live.Session, second net.Conn) {
			s.SetConn(nil)
			r.Kill(s.ID())
			s.SetConn(second)
		}, 0, 1},
		{"not killed", func(_ *live.Registry, s *live.Session, second net.Conn) { s.SetConn(second) }, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r live.Registry
			var first, second closeCounter
			c := at("192.0.2.1")
			c.Conn = &first
			s := enter(t, &r, c)
			tt.run(&r, s, &second)
			if n, m := first.closed.Load(), second.closed.Load(); n != tt.first || m != tt.second {
				t.Errorf("closed %d and %d times, want %d and %d", n, m, tt.first, tt.second)
			}
			if got := s.Status().Local; got != "second" {
				t.Errorf("the local address is that of %q", got)
			}
		})
	}
}

// A connection is handed over while the session is killed, read and used.
func TestSetConnAtAnyMoment(t *testing.T) {
	for range 100 {
		var r live.Registry
		first, second := new(closeCounter), new(closeCounter)
		c := at("192.0.2.1")
		c.Conn = first
		s := enter(t, &r, c)
		var all sync.WaitGroup
		all.Go(func() { s.SetConn(second) })
		all.Go(func() { r.Kill(s.ID()) })
		all.Go(func() { live.Snapshot(&r) })
		all.Go(func() { s.Begin(live.Job{Size: -1}).End(sendfile.Result{}, nil) })
		all.Wait()
		if second.closed.Load() == 0 {
			t.Fatal("the session was killed, and the connection it has now is open")
		}
		s.Leave()
	}
}

func TestSessionStatusIsPartOfTheSnapshot(t *testing.T) {
	var r live.Registry
	enter(t, &r, at("192.0.2.1"))
	s := enter(t, &r, ftp("192.0.2.2"))
	transfer := s.Begin(live.Job{Op: "RETR", Path: "/x", Size: 100})
	transfer.Progress(sendfile.Result{Sent: 30, Method: sendfile.Copy})
	got, want := s.Status(), live.Snapshot(&r).Sessions[1]
	if !reflect.DeepEqual(got, want) || got.ID != s.ID() || got.Transfers[0].Done() != 30 {
		t.Errorf("got %+v, want %+v with 30 bytes", got, want)
	}
	got.Transfers[0].Confirmed = new(int64(20))
	if n := got.Transfers[0].Done(); n != 20 {
		t.Errorf("got %d, want the 20 confirmed bytes", n)
	}
	transfer.End(sendfile.Result{}, nil)
}

func TestASessionIsListedUntilItsLastTransferHasEnded(t *testing.T) {
	var r live.Registry
	s := enter(t, &r, at("192.0.2.1"))
	a, b := s.Begin(live.Job{Op: "GET", Size: 100}), s.Begin(live.Job{Op: "GET", Size: 100})
	a.Progress(sendfile.Result{Sent: 10, Method: sendfile.Copy})
	b.Progress(sendfile.Result{Sent: 20, Method: sendfile.Copy})
	s.Leave()
	want := func(sessions, transfers int, bytes uint64) {
		t.Helper()
		if n, m := r.Len(); n != sessions || m != transfers {
			t.Errorf("%d sessions with %d transfers, want %d and %d", n, m, sessions, transfers)
		}
		if got := live.Snapshot(&r).Totals.Bytes[0].Bytes; got != bytes {
			t.Errorf("%d bytes, want %d", got, bytes)
		}
	}
	want(1, 2, 30)
	a.End(sendfile.Result{Sent: 15, Method: sendfile.Copy}, nil)
	want(1, 1, 35)
	b.End(sendfile.Result{Sent: 20, Method: sendfile.Copy}, nil)
	want(0, 0, 35)
	s.Begin(live.Job{}).End(sendfile.Result{}, nil) // after the removal, so not counted
	want(0, 0, 35)
}

func TestSessionsThatHaveNotEnteredDoNothing(t *testing.T) {
	full := live.Registry{MaxConns: 1, OnTransfer: func(live.Record) { t.Error("a transfer was reported") }}
	enter(t, &full, at("192.0.2.1"))
	refused := new(live.Session)
	if err := refused.Enter(&full, at("192.0.2.2")); !errors.Is(err, live.ErrTooMany) {
		t.Errorf("got %v, want a refusal", err)
	}
	for name, s := range map[string]*live.Session{"nil": nil, "zero": {}, "refused": refused} {
		t.Run(name, func(t *testing.T) {
			s.SetProtocol(live.FTPS)
			s.SetCommand("PWD")
			s.SetConn(nil)
			s.Count(s0, sendfile.Result{})
			if err := s.SetUser("ann", 1); err != nil || s.ID() != 0 || s.User() != "" || s.Status().Protocol != "" {
				t.Errorf("got ID %d, %v", s.ID(), err)
			}
			if s.WantsRecord(nil) || s.WantsChange(nil) {
				t.Error("it wants records")
			}
			transfer := s.Begin(live.Job{Size: 1})
			transfer.Add(sendfile.Result{Sent: 1})
			transfer.Progress(sendfile.Result{Sent: 1})
			if transfer.Hook() != nil || transfer.Limited(nil) != nil {
				t.Error("a nil Transfer has hooks")
			}
			rec := transfer.End(sendfile.Result{Sent: 1}, errors.New("gone"))
			if rec.Sent != 1 || rec.Outcome != live.PeerFailed || rec.Retransmits != -1 {
				t.Errorf("got %+v", rec)
			}
			s.Report(&rec, nil)
			s.ReportChange(&rec, nil)
			s.Leave()
		})
	}
	if sessions, _ := full.Len(); sessions != 1 {
		t.Errorf("%d sessions, want 1", sessions)
	}
}

// A registry lists its sessions in any order inside, so that each can leave at once.
func TestSessionsLeaveInAnyOrder(t *testing.T) {
	const n = 100
	var r live.Registry
	listed := make(map[uint64]*live.Session)
	for range n {
		s := enter(t, &r, at("192.0.2.1"))
		s.Count(s0, sendfile.Result{Sent: 1})
		listed[s.ID()] = s
	}
	for id, s := range listed { // in random order
		s.Leave()
		delete(listed, id)
		st := live.Snapshot(&r)
		got, want := make([]uint64, 0, n), slices.Sorted(maps.Keys(listed))
		for _, s := range st.Sessions {
			got = append(got, s.ID)
		}
		if !slices.Equal(got, want) || st.Totals.Bytes[0].Bytes != n || r.Kill(id) {
			t.Fatalf("got %v with %d bytes in all, want %v with %d", got, st.Totals.Bytes[0].Bytes, want, n)
		}
	}
}

// 10,000 sessions exist at once, and then end and begin again while snapshots are
// taken: no count is lost, and no counter goes back.
func TestManySessionsLoseNoCount(t *testing.T) {
	nettest.CheckLeaks(t)
	const (
		workers, each = 100, 100 // the race detector allows no more than 8128 goroutines
		clients       = workers * each
		rounds        = 2
		size          = 1 << 20
	)
	r := live.Registry{MaxConns: clients, MaxConnsPerAddr: clients, MaxConnsPerUser: clients, MaxFTPConns: clients / 2}
	records := make(chan live.Record, clients*rounds)
	r.OnTransfer = func(rec live.Record) { records <- rec }
	stop := make(chan struct{})
	var watchers, all, started sync.WaitGroup
	for range 2 {
		watchers.Go(func() { watchCounters(t, &r, stop) })
	}
	begin := func(i int) (*live.Session, *live.Transfer) {
		c := at("192.0.2.1")
		c.Protocol = live.Protocol(i % 4)
		s, err := live.Enter(&r, c)
		if err != nil {
			t.Error(err)
			return nil, nil
		}
		_ = s.SetUser("ann", clients)
		s.SetCommand("RETR x")
		s.Count(s0, sendfile.Result{Sent: 7})
		return s, s.Begin(live.Job{Op: "RETR", Path: "/x", Size: size})
	}
	end := func(s *live.Session, transfer *live.Transfer) {
		for range 2 { // calls of package sendfile, of two chunks each
			transfer.Progress(sendfile.Result{Sent: size / 4, Method: sendfile.Copy})
			transfer.Progress(sendfile.Result{Sent: size / 2, Method: sendfile.Copy})
			transfer.Add(sendfile.Result{Sent: size / 2, Method: sendfile.Copy})
		}
		rec := transfer.End(sendfile.Result{Sent: size, Method: sendfile.Copy}, nil)
		s.Report(&rec, nil)
		s.Leave()
	}
	started.Add(workers)
	for range workers {
		all.Go(func() {
			var sessions [each]*live.Session
			var transfers [each]*live.Transfer
			for i := range each {
				sessions[i], transfers[i] = begin(i)
			}
			started.Done()
			started.Wait()
			for i := range each {
				end(sessions[i], transfers[i])
				end(begin(i))
			}
		})
	}
	all.Wait()
	close(stop)
	watchers.Wait()
	st := live.Snapshot(&r)
	if len(st.Sessions) != 0 || len(records) != clients*rounds {
		t.Errorf("%d sessions are left, and %d transfers were reported", len(st.Sessions), len(records))
	}
	const perProtocol = clients / 4 * rounds // transfers, and sessions
	for _, p := range st.Totals.Protocols {
		if p.Connections != perProtocol || p.Requests != 2*perProtocol || p.Refused != 0 {
			t.Errorf("got %+v", p)
		}
	}
	for _, b := range st.Totals.Bytes {
		want := map[string]uint64{"": perProtocol * 7, "copy": perProtocol * size}[b.Method]
		if b.Bytes != want {
			t.Errorf("got %+v, want %d bytes", b, want)
		}
	}
	for _, sum := range st.Totals.Transfers {
		if sum.Count != perProtocol || sum.Bytes != perProtocol*size || sum.Result != "complete" {
			t.Errorf("got %+v", sum)
		}
	}
	if len(st.Totals.Protocols) != 4 || len(st.Totals.Bytes) != 8 || len(st.Totals.Transfers) != 4 {
		t.Errorf("got %d, %d and %d rows, want 4, 8 and 4", len(st.Totals.Protocols), len(st.Totals.Bytes), len(st.Totals.Transfers))
	}
}

// watchCounters takes snapshots until stop is closed and reports a counter that goes
// back.
func watchCounters(t *testing.T, r *live.Registry, stop <-chan struct{}) {
	last := make(map[status.ByteTotal]uint64)
	for {
		select {
		case <-stop:
			return
		case <-time.After(10 * time.Millisecond): // leaves the processor to others
		}
		for _, b := range live.Snapshot(r).Totals.Bytes {
			row := b
			row.Bytes = 0
			if b.Bytes < last[row] {
				t.Errorf("%+v after %d", b, last[row])
				return
			}
			last[row] = b.Bytes
		}
	}
}
