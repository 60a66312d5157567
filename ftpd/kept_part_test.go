package ftpd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Only SIZE shows the kept part of a broken upload.
func TestAKeptPartIsNotAFile(t *testing.T) {
	s := start(t, nil)
	s.file("other", 5)
	n := s.breakUpload(s.login(), "f")
	c := s.login()
	for _, line := range []string{"MLST f", "MDTM f", "CWD f", "RMD f", "SITE CHMOD 600 f", "MFMT 20200229120000 f", "XSHA256 f"} {
		c.want(550, line)
	}
	for _, line := range []string{"LIST", "LIST -a", "NLST", "MLSD"} {
		if got := c.get(pasv, line); strings.Contains(got, "f.") || strings.Contains(got, "sluice-part") || !strings.Contains(got, "other") {
			t.Errorf("%s shows %q", line, got)
		}
	}
	c.passive(pasv)
	c.want(550, "RETR f")
	if got := c.get(pasv, "LIST f*"); got != "" {
		t.Errorf("LIST f* shows %q", got)
	}
	if text := c.want(213, "SIZE f"); text != fmt.Sprint("213 ", n) {
		t.Errorf("SIZE: %q, want %d", text, n)
	}
}

// A client that has not learned of the part means to upload a new file.
func TestAKeptPartIsResumedOnlyAfterSIZEOrTheReply(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(s *server, c *client, n int64)
		want func(n int64) string
	}{
		{"APPE without SIZE", func(_ *server, c *client, _ int64) { c.put(pasv, "APPE f", strings.NewReader("hello\n")) },
			func(int64) string { return "hello\n" }},
		{"STOR after SIZE", func(_ *server, c *client, _ int64) {
			c.send("SIZE f")
			c.expect(213, "SIZE")
			c.put(pasv, "STOR f", strings.NewReader("hello\n"))
		},
			func(int64) string { return "hello\n" }},
		{"APPE after SIZE", func(_ *server, c *client, _ int64) {
			c.send("SIZE f")
			c.expect(213, "SIZE")
			c.put(pasv, "APPE f", strings.NewReader("hello\n"))
		},
			func(n int64) string { return pattern(0, n) + "hello\n" }},
		{"APPE after SIZE and other commands", func(_ *server, c *client, _ int64) {
			c.want(213, "SIZE f")
			c.get(pasv, "LIST")
			c.put(pasv, "STOR other", strings.NewReader("other"))
			c.put(pasv, "APPE f", strings.NewReader("hello\n"))
		}, func(n int64) string { return pattern(0, n) + "hello\n" }},
		{"REST after SIZE", func(_ *server, c *client, n int64) {
			c.want(213, "SIZE f")
			c.want(350, fmt.Sprint("REST ", n))
			c.put(pasv, "STOR f", strings.NewReader("hello\n"))
		}, func(n int64) string { return pattern(0, n) + "hello\n" }},
		{"REST without SIZE", func(_ *server, c *client, n int64) {
			c.want(350, fmt.Sprint("REST ", n))
			c.passive(pasv)
			c.want(550, "STOR f")
			c.want(550, "MDTM f")
		}, nil},
		{"APPE after another session has uploaded a new file", func(s *server, c *client, _ int64) {
			c.want(213, "SIZE f")
			other := s.login()
			other.put(pasv, "STOR f", strings.NewReader("theirs"))
			other.want(250, "DELE f")
			c.put(pasv, "APPE f", strings.NewReader("hello\n"))
		}, func(int64) string { return "hello\n" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			n := s.breakUpload(s.login(), "f")
			c := s.login()
			tt.do(s, c, n)
			if tt.want == nil {
				return
			}
			if got, want := s.content("f"), tt.want(n); got != want {
				t.Errorf("the file has %d bytes, want %d", len(got), len(want))
			}
			c.want(250, "DELE f")
			c.want(550, "SIZE f")
		})
	}
}

func TestAKeptPartIsRemovedWhenItsNameChanges(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(c *client)
	}{
		{"by DELE, which succeeds", func(c *client) { c.want(250, "DELE f"); c.want(550, "DELE f") }},
		{"by RNTO onto the file", func(c *client) { c.want(350, "RNFR other"); c.want(250, "RNTO f"); c.want(250, "DELE f") }},
		{"by RNFR of the file", func(c *client) { c.want(550, "RNFR f") }},
		{"by MKD", func(c *client) { c.want(257, "MKD f"); c.want(250, "RMD f") }},
		{"by SITE SYMLINK", func(c *client) { c.want(200, "SITE SYMLINK other f"); c.want(250, "DELE f") }},
		{"by a complete upload", func(c *client) { c.put(pasv, "STOR f", strings.NewReader("x")); c.want(250, "DELE f") }},
		{"by an upload without data", func(c *client) {
			conn := c.data(pasv, "STOR f")
			_ = conn.SetLinger(0)
			_ = conn.Close()
			c.expect(426, "STOR")
		}},
		{"with its directory", func(c *client) { c.want(250, "DELE other"); c.want(250, "RMD /d") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			c := s.login()
			c.want(257, "MKD d")
			c.want(250, "CWD d")
			c.put(pasv, "STOR other", strings.NewReader("other"))
			s.transfer()
			conn := c.data(pasv, "STOR f")
			if _, err := conn.Write([]byte(pattern(0, 2*kept))); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the bytes to arrive", func() bool {
				parts, _ := filepath.Glob(filepath.Join(s.dir, "d", ".f.*"))
				if len(parts) != 1 {
					return false
				}
				info, err := os.Stat(parts[0])
				return err == nil && info.Size() >= kept
			})
			c.send("ABOR")
			c.expect(426, "STOR")
			c.expect(226, "ABOR")
			if s.transfer().Kept == 0 {
				t.Fatal("nothing is kept")
			}
			c.want(213, "SIZE f")
			tt.do(c)
			c.want(550, "SIZE f")
			c.passive(pasv)
			c.want(550, "RETR f")
		})
	}
}
