package ftpd_test

import (
	"io"
	"net/netip"
	"strings"
	"testing"

	"sluice/ftpd"
	"sluice/internal/live"
	"sluice/sendfile"
)

func TestTheRegistryListsSessionsAndTransfers(t *testing.T) {
	const size = 64 << 20 // more than the socket buffers
	reg := new(live.Registry)
	s := start(t, func(srv *ftpd.Server) { srv.Live = reg })
	s.sparse("f", size)
	s.file("small", 1000)
	c := s.login()
	if st := live.Snapshot(reg); len(st.Sessions) != 1 || st.Sessions[0].User != "u" || st.Sessions[0].Protocol != live.FTP.String() || st.Sessions[0].State != "idle" {
		t.Errorf("got %+v, want one idle session of u", st.Sessions)
	}

	data := c.data(epsv, "RETR f")
	if _, err := io.ReadFull(data, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	session := live.Snapshot(reg).Sessions[0]
	if session.Command != "RETR f" || len(session.Transfers) != 1 {
		t.Fatalf("got %+v, want one transfer of f", session)
	}
	if x := session.Transfers[0]; x.Op != ftpd.Retrieve || x.Path != "/f" || x.Size == nil || *x.Size != size {
		t.Errorf("got %+v, want RETR of /f with %d bytes", x, size)
	}
	if n, err := io.Copy(io.Discard, data); n != size-1000 || err != nil {
		t.Errorf("got %d more bytes, %v, want %d", n, err, size-1000)
	}
	c.expect(226, "RETR f")
	s.transfer()

	small := c.data(epsv, "RETR small")
	_, _ = io.Copy(io.Discard, small)
	c.expect(226, "RETR small")
	s.transfer()
	up := c.data(epsv, "STOR up")
	_, _ = io.WriteString(up, "hello")
	_ = up.Close()
	c.expect(226, "STOR up")
	if x := s.transfer(); x.Cause != live.Unknown || x.Retransmits > 0 {
		t.Errorf("got cause %v and %d retransmits of an upload, want none", x.Cause, x.Retransmits)
	}
	session = live.Snapshot(reg).Sessions[0]
	if session.Command != "" || len(session.Transfers) != 0 || session.Requests != 3 || session.Sent != size+1000 || session.Received != 5 {
		t.Errorf("afterwards: got %+v, want three requests, %d bytes sent and 5 received", session, size+1000)
	}
	c.want(220, "REIN")
	if user := live.Snapshot(reg).Sessions[0].User; user != "" {
		t.Errorf("after REIN: got user %q, want nobody", user)
	}
	c.want(221, "QUIT")
	_ = s.Close() // waits for the end of the session
	if sessions, transfers := reg.Len(); sessions != 0 || transfers != 0 {
		t.Errorf("after QUIT: got %d sessions and %d transfers, want none", sessions, transfers)
	}
}

func TestATransferCanBeKilled(t *testing.T) {
	reg := new(live.Registry)
	s := start(t, func(srv *ftpd.Server) { srv.Live = reg })
	s.sparse("f", 64<<20)
	data := s.guest().data(pasv, "RETR f")
	if !reg.Kill(live.Snapshot(reg).Sessions[0].ID) {
		t.Fatal("Kill has found no session")
	}
	if n, err := io.Copy(io.Discard, data); n == 64<<20 {
		t.Errorf("got all of the file, %v, want less", err)
	}
	if x := s.transfer(); x.Err == nil {
		t.Error("the transfer was reported as a success")
	}
	next(t, s.disconnects)
}

func TestTheRegistryCanRefuseASession(t *testing.T) {
	reg := &live.Registry{MaxConns: 1}
	s := start(t, func(srv *ftpd.Server) { srv.Live, srv.MaxConns = reg, 9 })
	other, err := live.Enter(reg, live.Client{Protocol: live.HTTP, Remote: netip.MustParseAddrPort("127.0.0.1:1")})
	if err != nil {
		t.Fatal(err)
	}
	if code, text := s.greeting(); code != 421 || !strings.Contains(text, "Too many clients") {
		t.Errorf("got %d %q, want 421 and the reason", code, text)
	}
	other.Leave()
	s.login()
}

// The reply is the same as for the limit of the account.
func TestTheRegistryCanRefuseAUser(t *testing.T) {
	s := start(t, func(srv *ftpd.Server) { srv.Live = &live.Registry{MaxConnsPerUser: 1} })
	first := s.login()
	second := s.dial()
	second.want(331, "USER u")
	if text := second.want(530, "PASS secret"); !strings.Contains(text, "Too many sessions") {
		t.Errorf("got %q, want the reason", text)
	}
	first.want(220, "REIN")
	second.want(331, "USER u")
	second.want(230, "PASS secret")
}

// A transfer that the server cuts does not count as a failure of the client.
func TestTransfersThatTheServerCutsAreCounted(t *testing.T) {
	records := make(chan live.Record, 1)
	s := start(t, func(srv *ftpd.Server) {
		srv.Live = &live.Registry{OnTransfer: func(rec live.Record) { records <- rec }}
	})
	s.sparse("f", 64<<20)
	s.guest().data(epsv, "RETR f")
	_ = s.Close()
	if rec := next(t, records); rec.Outcome != live.Cut {
		t.Errorf("got %v, want cut", rec.Outcome)
	}
}

func TestListingsAreCounted(t *testing.T) {
	records := make(chan live.Record, 2)
	reg := &live.Registry{OnTransfer: func(rec live.Record) { records <- rec }}
	s := start(t, func(srv *ftpd.Server) { srv.Live = reg })
	path := s.makeDeepDir(2000)
	c := s.guest()
	text := c.get(epsv, "LIST")
	rec := next(t, records)
	if rec.Op != "LIST" || rec.Sent != int64(len(text)) || rec.Watched {
		t.Errorf("got %+v, want LIST of %d bytes, too small for an entry in the registry", rec, len(text))
	}
	long := c.get(epsv, "NLST "+path)
	rec = next(t, records)
	if !rec.Watched || rec.Op != "NLST" || rec.Sent != int64(len(long)) || rec.Method != sendfile.Auto || rec.Outcome != live.Complete {
		t.Errorf("got %+v, want NLST of %d bytes without a method", rec, len(long))
	}
	want := uint64(len(text) + len(long))
	if got := live.Snapshot(reg).Totals.Bytes; len(got) != 1 || got[0].Bytes != want || got[0].Method != "" {
		t.Errorf("got %+v, want %d bytes without a method", got, want)
	}
}
