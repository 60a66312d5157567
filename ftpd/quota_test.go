package ftpd_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// startBound is start with a quota for all users, and a reserve.
func startBound(t *testing.T, quota ftpd.Quota, reserve ftpd.Reserve, setup func(*ftpd.Server)) *server {
	t.Helper()
	var root *ftpd.Root
	return startAs(t, func(a *access) { root = a.root }, func(srv *ftpd.Server) {
		volume, login := ftpd.NewVolume(root.Writable(), reserve), srv.Login
		t.Cleanup(volume.Close)
		srv.Login = func(ctx context.Context, c ftpd.Client, user, password string) (*ftpd.Account, error) {
			a, err := login(ctx, c, user, password)
			if err == nil {
				a.Volume, a.Quota = volume, quota
			}
			return a, err
		}
		if setup != nil {
			setup(srv)
		}
	})
}

// putFor uploads n bytes and checks the code of the final reply.
func (c *client) putFor(code int, m mode, line string, n int64) string {
	c.t.Helper()
	conn := c.data(m, line)
	_, _ = io.Copy(conn, nettest.Pattern(n)) // the server may refuse the rest
	_ = conn.Close()
	return c.expect(code, line)
}

// A file that fits exactly is not refused, although its end is not known before it has come,
// and the bytes of users with a quota do not enter the process.
func TestAQuotaIsExactAndKeepsSplice(t *testing.T) {
	const limit, old = 8 << 20, 1 << 20
	for _, tt := range []struct {
		line string
		fits int64
	}{{"STOR f", limit - old}, {"APPE old", limit - old}, {"STOR old", limit}, {"STOU", limit - old}} {
		for _, more := range []int64{-1, 0, 1, 3 << 20} {
			t.Run(fmt.Sprint(tt.line, "/", more), func(t *testing.T) {
				s := startBound(t, ftpd.Quota{Bytes: limit}, ftpd.Reserve{}, nil)
				s.file("old", old)
				c := s.login()
				code := 226
				switch {
				case more > 0 && strings.HasSuffix(tt.line, "old"): // the file itself is larger than the quota
					code = 552
				case more > 0:
					code = 452
				}
				text := c.putFor(code, pasv, tt.line, tt.fits+more)
				x := s.transfer()
				if more > 0 && !strings.Contains(text, fmt.Sprint(limit)) {
					t.Errorf("reply %q does not say how much is allowed", text)
				}
				if hasSendfile && tt.line != "APPE old" && x.Method != sendfile.Splice {
					t.Errorf("the bytes went by %v", x.Method)
				}
				if more > 0 && tt.line != "APPE old" && len(s.names()) != 1 {
					t.Errorf("the directory has %q", s.names())
				}
				if more > 0 && tt.line == "STOR old" && len(s.content("old")) != old {
					t.Error("the old file has changed")
				}
				c.want(211, "SITE QUOTA")
			})
		}
	}
}

// The largest file fits, and one byte more ends the upload, however it comes.
func TestNoFileIsLargerThanTheLimit(t *testing.T) {
	const most, old = 4 << 20, 1 << 20
	for _, tt := range []struct {
		line string
		fits int64
	}{{"STOR f", most}, {"APPE old", most - old}, {"STOR old", most}, {"STOU", most}} {
		t.Run(tt.line, func(t *testing.T) {
			s := startBound(t, ftpd.Quota{FileBytes: most}, ftpd.Reserve{}, nil)
			s.file("old", old)
			c := s.login()
			c.putFor(226, pasv, tt.line, tt.fits)
			if x := s.transfer(); hasSendfile && tt.line != "APPE old" && x.Method != sendfile.Splice {
				t.Errorf("the bytes went by %v", x.Method)
			}
			s.file("old", old)
			text := c.putFor(552, pasv, tt.line, tt.fits+1)
			if !strings.Contains(text, fmt.Sprint(most)) {
				t.Errorf("reply %q does not say how much is allowed", text)
			}
			c.want(552, fmt.Sprint("ALLO ", most+1))
			c.want(200, fmt.Sprint("ALLO ", most))
			if text := c.want(211, "SITE QUOTA"); !strings.Contains(text, fmt.Sprint(most)) {
				t.Errorf("SITE QUOTA says %q", text)
			}
		})
	}
}

func TestAQuotaIsShown(t *testing.T) {
	s := startBound(t, ftpd.Quota{Bytes: 1000, Files: 3}, ftpd.Reserve{}, nil)
	s.file("f", 100)
	c := s.login()
	c.want(200, "ALLO 1000") // in place of f it would fit
	if text := c.want(211, "SITE QUOTA"); !strings.Contains(text, "100 of 1000 bytes are used, 900 are free") || !strings.Contains(text, "1 of 3 files") {
		t.Errorf("SITE QUOTA: %q", text)
	}
	if text := c.want(213, "AVBL"); text != "213 900" {
		t.Errorf("AVBL: %q", text)
	}
	if text := c.want(552, "ALLO 1001"); !strings.Contains(text, "1000") {
		t.Errorf("ALLO: %q", text)
	}
	c.want(257, "MKD a")
	c.want(257, "MKD b")
	if text := c.want(452, "MKD c"); !strings.Contains(text, "3") {
		t.Errorf("MKD: %q", text)
	}
	c.want(250, "RMD a")
	c.want(257, "MKD c")
	none := start(t, nil).login()
	none.want(211, "SITE QUOTA")
}

func TestAnAnnouncedUploadIsRefusedBeforeItsData(t *testing.T) {
	s := startBound(t, ftpd.Quota{Bytes: 1000}, ftpd.Reserve{}, nil)
	s.file("old", 600)
	c := s.login()
	c.want(200, "ALLO 500")
	c.passive(pasv)
	c.want(452, "STOR f")
	c.want(200, "ALLO 500")
	c.putFor(226, pasv, "STOR old", 500)
}

func TestTheReserveOfTheDiskEndsUploads(t *testing.T) {
	s := startBound(t, ftpd.Quota{}, ftpd.Reserve{Percent: 99.9}, nil)
	if _, err := s.access.root.Capacity("/"); err != nil {
		t.Skip("package vfs does not know the size of the disk on this system")
	}
	c := s.login()
	if text := c.want(213, "AVBL"); text != "213 0" {
		t.Skip("the disk is almost empty")
	}
	c.want(452, "ALLO 1")
	c.putFor(226, pasv, "STOR empty", 0)
	c.putFor(452, pasv, "STOR f", 1)
	if len(s.names()) != 1 {
		t.Errorf("the directory has %q", s.names())
	}
}

func TestUsersOfOneHomeShareItsCount(t *testing.T) {
	s := startBound(t, ftpd.Quota{Bytes: 1 << 20}, ftpd.Reserve{}, nil)
	var all sync.WaitGroup
	for i := range 6 {
		c := s.login()
		all.Go(func() {
			for n := range 5 {
				conn := c.data(pasv, fmt.Sprintf("STOR f%d-%d", i, n))
				_, _ = io.Copy(conn, nettest.Pattern(100_000))
				_ = conn.Close()
				if code, text, err := c.reply(); err != nil || code != 226 && code != 452 {
					t.Errorf("%d %s, %v", code, text, err)
				}
			}
		})
	}
	all.Wait()
	if n := len(s.names()); n < 5 || n > 10 {
		t.Errorf("%d files of 100,000 bytes are there", n)
	}
}

// The engine of ftpserverlib has the same bounds, and only the code 552.
func TestAQuotaHoldsWithTheEngineOfTheLibrary(t *testing.T) {
	var root *ftpd.Root
	s := startWithEngine(t, libraryEngine, "127.0.0.1:0", func(a *access) { root = a.root }, func(srv *ftpd.Server) {
		volume, login := ftpd.NewVolume(root.Writable(), ftpd.Reserve{}), srv.Login
		t.Cleanup(volume.Close)
		srv.Login = func(ctx context.Context, c ftpd.Client, user, password string) (*ftpd.Account, error) {
			a, err := login(ctx, c, user, password)
			if err == nil {
				a.Volume, a.Quota = volume, ftpd.Quota{Bytes: 4 << 20}
			}
			return a, err
		}
	})
	c := s.login()
	c.putFor(226, pasv, "STOR f", 3<<20)
	if x := s.transfer(); hasSendfile && x.Method != sendfile.Splice {
		t.Errorf("the bytes went by %v", x.Method)
	}
	c.putFor(552, pasv, "STOR g", 1<<20+1)
	c.putFor(226, pasv, "STOR g", 1<<20)
}
