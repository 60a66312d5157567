package ftpd_test

import (
	"crypto/tls"
	"io"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

// clientEnds has the ways in which a client disconnects after its last byte of data. The
// data connection always ends in order.
var clientEnds = []struct {
	name  string
	leave func(t *testing.T, c *client, data io.Closer)
	whole bool
}{
	{"it is killed, and the data connection ends first", func(_ *testing.T, c *client, data io.Closer) {
		_ = data.Close()
		_ = c.conn.Close()
	}, false},
	{"it is killed, and the control connection ends first", func(_ *testing.T, c *client, data io.Closer) {
		_ = c.conn.Close()
		_ = data.Close()
	}, false},
	{"it is killed, and its control connection is reset", func(t *testing.T, c *client, data io.Closer) {
		_ = data.Close()
		nettest.Reset(t, c.conn)
	}, false},
	{"it is killed after sending more commands", func(_ *testing.T, c *client, data io.Closer) {
		_, _ = io.WriteString(c.conn, "NOOP\r\nSIZE f\r\n")
		_ = data.Close()
		_ = c.conn.Close()
	}, false},
	{"it has announced more by ALLO", func(_ *testing.T, c *client, data io.Closer) {
		_ = data.Close()
		_ = c.conn.Close()
	}, false},
	{"it quits and closes at once", func(_ *testing.T, c *client, data io.Closer) {
		_ = data.Close()
		_, _ = io.WriteString(c.conn, "QUIT\r\n")
		_ = c.conn.Close()
	}, true},
	{"it quits before the end of the data", func(_ *testing.T, c *client, data io.Closer) {
		_, _ = io.WriteString(c.conn, "QUIT\r\n")
		_ = c.conn.Close()
		_ = data.Close()
	}, true},
	{"it quits and resets", func(t *testing.T, c *client, data io.Closer) {
		_ = data.Close()
		c.send("QUIT")
		c.expect(226, "STOR") // the server has read QUIT
		nettest.Reset(t, c.conn)
	}, true},
	{"it has announced just as much by ALLO", func(_ *testing.T, c *client, data io.Closer) {
		_ = data.Close()
		_ = c.conn.Close()
	}, true},
	{"it stays connected", func(t *testing.T, c *client, data io.Closer) {
		_ = data.Close()
		c.expect(226, "STOR")
	}, true},
}

// The kernel closes the data connection of a killed client like that of one that has sent
// the whole file.
func TestWhichUploadsArePublishedWhenAClientDisconnects(t *testing.T) {
	const size, times = 100_000, 20
	for _, tt := range clientEnds {
		t.Run("if "+tt.name, func(t *testing.T) {
			s := start(t, func(s *ftpd.Server) { s.KeepPartials = -1 })
			for range times {
				s.file("f", 10)
				c := s.login()
				switch tt.name {
				case "it has announced just as much by ALLO":
					c.want(200, "ALLO 100000")
				case "it has announced more by ALLO":
					c.want(200, "ALLO 100001")
				}
				data := c.data(epsv, "STOR f")
				if _, err := io.WriteString(data, pattern(0, size)); err != nil {
					t.Fatal(err)
				}
				tt.leave(t, c, data)
				x := s.transfer()
				want := pattern(0, 10)
				if tt.whole {
					want = pattern(0, size)
				}
				if (x.Err == nil) != tt.whole || s.content("f") != want {
					t.Fatalf("got %v, and f has %d bytes, want %d", x.Err, len(s.content("f")), len(want))
				}
				_ = c.conn.Close()
				next(t, s.disconnects)
			}
		})
	}
}

// A program that handles Ctrl-C itself closes its connections one after the other.
func TestTheGracePeriodGrowsWithTheUpload(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name             string
		trip, took, want time.Duration
		lossy            bool
	}{
		{"a small file", 10 * time.Microsecond, ms, 4 * ms, false},
		{"a file that took 30 ms", 10 * time.Microsecond, 30 * ms, 30 * ms, false},
		{"a large file", 10 * time.Microsecond, time.Hour, 50 * ms, false},
		{"a small file, long round trip", 60 * ms, 70 * ms, 120 * ms, false},
		{"a large file, long round trip", 60 * ms, time.Hour, 120 * ms, false},
		{"a round trip of a minute", time.Minute, time.Hour, 250 * ms, false},
		{"an unknown round trip", 0, ms, 4 * ms, false},
		{"a large file with lost packets", 60 * ms, time.Hour, 250 * ms, true},
		{"a small file with lost packets", 10 * time.Microsecond, 70 * ms, 70 * ms, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ftpd.GraceFor(tt.trip, tt.took, tt.lossy); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// The client has shut down its side of the control connection, but can still read.
func TestAClientThatQuitsAndShutsDownItsSideGetsTheReplies(t *testing.T) {
	s := start(t, nil)
	s.file("f", 1<<20)
	c := s.login()
	data := c.data(epsv, "RETR f")
	_, _ = io.WriteString(c.conn, "QUIT\r\n")
	_ = c.conn.CloseWrite()
	if got, err := io.ReadAll(data); string(got) != pattern(0, 1<<20) || err != nil {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	c.expect(226, "RETR")
	c.expect(221, "QUIT")
	c.end()
	if x := next(t, s.disconnects); x.Err != nil {
		t.Errorf("got %v, want the end of the client", x.Err)
	}
}

func TestABORAfterQUITEndsTheUpload(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.KeepPartials = -1 })
	c := s.login()
	data := c.data(epsv, "STOR f")
	_, _ = io.WriteString(data, "half")
	c.send("QUIT")
	c.send("ABOR")
	c.expect(426, "STOR")
	c.expect(221, "QUIT")
	if got := s.names(); len(got) != 0 {
		t.Errorf("the directory has %q, want nothing", got)
	}
}

// A client may close its connection without waiting for our close_notify, which then
// cannot be sent.
func TestAnUploadIsCompleteWithoutOurCloseNotify(t *testing.T) {
	s := start(t, withTLS)
	for range 20 {
		c := s.secure(trust(tls.VersionTLS13))
		data := c.begin("STOR f", c.config)
		if _, err := io.WriteString(data, pattern(0, 100_000)); err != nil {
			t.Fatal(err)
		}
		_ = data.CloseWrite()
		_ = data.NetConn().Close()
		c.expect(226, "STOR")
		if x := s.transfer(); x.Err != nil {
			t.Fatal(x.Err)
		}
	}
}

// Unread bytes turn a client's close into a reset, and Ruby's and Perl's Net::FTP read
// nothing while they upload.
func TestUploadsWithTLSGetNoTicket(t *testing.T) {
	for _, tt := range []struct {
		name    string
		reuse   ftpd.SessionReuse
		tickets bool
	}{{"if resumption is offered", ftpd.ReuseOffered, false}, {"unless it is required", ftpd.ReuseRequired, true}} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, func(s *ftpd.Server) { withTLS(s); s.Reuse = tt.reuse })
			c := s.secure(trust(tls.VersionTLS13))
			config := c.config.Clone()
			tickets := &tickets{ClientSessionCache: config.ClientSessionCache}
			config.ClientSessionCache = tickets
			data := c.begin("STOR f", config)
			if _, err := io.WriteString(data, "content"); err != nil {
				t.Fatal(err)
			}
			_ = data.CloseWrite()
			if _, err := io.ReadAll(data); err != nil {
				t.Error(err)
			}
			c.expect(226, "STOR")
			if got := tickets.n > 0; got != tt.tickets {
				t.Errorf("%d tickets came", tickets.n)
			}
		})
	}
}

// tickets counts session tickets.
type tickets struct {
	tls.ClientSessionCache
	n int
}

func (t *tickets) Put(key string, state *tls.ClientSessionState) {
	t.n++
	t.ClientSessionCache.Put(key, state)
}
