package ftpd_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

const kept = 300_000 // least number of kept bytes of a broken upload

// breakUpload sends the beginning of the pattern by STOR and resets the data connection.
// It returns how many bytes the server has kept.
func (s *server) breakUpload(c *client, name string) int64 {
	s.t.Helper()
	conn := s.beginUpload(c, "STOR "+name, pattern(0, 2*kept), kept)
	reset(s.t, conn)
	text := c.expect(426, "STOR")
	x := s.transfer()
	if x.Kept < kept || !strings.Contains(text, fmt.Sprint(x.Kept)) {
		s.t.Fatalf("kept %d bytes, reply %q", x.Kept, text)
	}
	return x.Kept
}

func TestABrokenUploadIsResumed(t *testing.T) {
	const size = 3*kept + 7
	for _, tt := range []struct {
		name string
		old  string // content of the target before; "": no file
		line func(c *client, n int64) (line string, offset int64)
	}{
		{"by REST at the end of the kept part", "", func(c *client, n int64) (string, int64) {
			c.want(350, fmt.Sprint("REST ", n))
			return "STOR f", n
		}},
		{"by REST in the kept part", "", func(c *client, n int64) (string, int64) {
			c.want(350, fmt.Sprint("REST ", n-1000))
			return "STOR f", n - 1000
		}},
		{"by APPE", "", func(c *client, n int64) (string, int64) { return "APPE f", n }},
		{"by REST next to an old file", "old", func(c *client, n int64) (string, int64) {
			c.want(350, fmt.Sprint("REST ", n))
			return "STOR f", n
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			if tt.old != "" {
				if err := os.WriteFile(filepath.Join(s.dir, "f"), []byte(tt.old), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			c := s.login()
			n := s.breakUpload(c, "f")
			if tt.old == "" {
				if text := c.want(213, "SIZE f"); text != fmt.Sprint("213 ", n) {
					t.Errorf("SIZE: %q, want %d", text, n)
				}
				c.want(550, "MDTM f") // no such file
			} else if got := s.content("f"); got != tt.old {
				t.Errorf("the old file is %q", got)
			}
			if got := c.get(pasv, "NLST"); strings.Contains(got, "sluice") {
				t.Errorf("NLST shows %q", got)
			}
			line, off := tt.line(c, n)
			c.put(pasv, line, strings.NewReader(pattern(off, size-off)))
			if s.content("f") != pattern(0, size) {
				t.Error("the file is not complete")
			}
			if x := s.transfer(); x.Offset != off || x.Err != nil {
				t.Errorf("got %+v", x)
			}
			if got := s.names(); !slices.Equal(got, []string{"f"}) {
				t.Errorf("the tree has %q", got)
			}
		})
	}
}

func TestAKeptPartIsHiddenFromOtherUsers(t *testing.T) {
	s := startAs(t, func(a *access) {
		if err := a.users.AddAccount(ftpd.Account{Name: "v", Rights: ftpd.All}, "secret"); err != nil {
			t.Fatal(err)
		}
	}, nil)
	n := s.breakUpload(s.login(), "f")
	other := s.dial()
	other.want(331, "USER v")
	other.want(230, "PASS secret")
	for _, c := range []*client{other, s.guest()} {
		c.want(550, "SIZE f")
		c.passive(pasv)
		c.want(550, "RETR f")
	}
	other.want(350, fmt.Sprint("REST ", n))
	other.passive(pasv)
	other.want(550, "STOR f")
	other.put(pasv, "APPE f", strings.NewReader("mine"))
	if got := s.content("f"); got != "mine" {
		t.Errorf("the file has %d bytes", len(got))
	}
}

func TestACompleteUploadRemovesTheKeptPart(t *testing.T) {
	s := start(t, nil)
	c := s.login()
	n := s.breakUpload(c, "f")
	c.put(pasv, "STOR f", strings.NewReader("whole"))
	c.want(350, fmt.Sprint("REST ", n))
	c.passive(pasv)
	c.want(550, "STOR f")
	if got := s.names(); !slices.Equal(got, []string{"f"}) || s.content("f") != "whole" {
		t.Errorf("the tree has %q", got)
	}
}

func TestADirectoryWithOnlyAKeptPartCanBeRemoved(t *testing.T) {
	s := start(t, nil)
	c := s.login()
	s.breakUpload(c, "f")
	c.want(257, "MKD d")
	part := s.names()[0]
	if err := os.Rename(filepath.Join(s.dir, part), filepath.Join(s.dir, "d", part)); err != nil {
		t.Fatal(err)
	}
	unfinished := s.login().data(pasv, "STOR d/g")
	c.want(550, "RMD d")
	_, _ = unfinished.Write([]byte("g"))
	_ = unfinished.Close()
	if x := s.transfer(); x.Err != nil {
		t.Fatal(x.Err)
	}
	c.want(550, "RMD d")
	c.want(250, "DELE d/g")
	c.want(213, "SIZE d/f") // the kept part stays until the directory is removed
	c.want(250, "RMD d")
}

func TestOnlyOneOfTwoSessionsResumesAnUpload(t *testing.T) {
	s := start(t, nil)
	c, other := s.login(), s.login()
	n := s.breakUpload(c, "f")
	conn := c.data(pasv, "APPE f")
	other.want(350, fmt.Sprint("REST ", n))
	other.passive(pasv)
	other.want(550, "STOR f")
	if _, err := io.WriteString(conn, pattern(n, 10)); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	c.expect(226, "APPE")
	if s.content("f") != pattern(0, n+10) {
		t.Error("the file is not whole")
	}
}

func TestSmallPartsAreNotKept(t *testing.T) {
	s := start(t, nil)
	c := s.login()
	conn := c.data(pasv, "STOR f")
	if _, err := io.WriteString(conn, "a little"); err != nil {
		t.Fatal(err)
	}
	nettest.Reset(t, conn)
	c.expect(426, "STOR")
	if x := s.transfer(); x.Kept != 0 {
		t.Errorf("Kept is %d bytes", x.Kept)
	}
	if got := s.names(); len(got) > 0 {
		t.Errorf("the tree has %q", got)
	}
}

// STOR after REST in the middle of a file must leave it unchanged, too, if the upload
// breaks off.
func TestOverwritingThatBreaksOffLeavesTheOldFile(t *testing.T) {
	s := start(t, nil)
	s.file("f", kept)
	c := s.login()
	c.want(350, "REST 10")
	conn := s.beginUpload(c, "STOR f", strings.Repeat("x", 2*kept), kept+1)
	reset(t, conn)
	c.expect(426, "STOR")
	if s.content("f") != pattern(0, kept) {
		t.Error("the old file has changed")
	}
}

func TestSweep(t *testing.T) {
	s := start(t, nil)
	for name, age := range map[string]time.Duration{
		".old.ABC.sluice-part":       100 * time.Hour,
		".young.ABC.sluice-part":     time.Hour,
		"d/e/.deep.ABC.sluice-part":  100 * time.Hour,
		"not.ours.sluice-part":       100 * time.Hour,
		".dir.ABC.sluice-part/inner": 100 * time.Hour,
		".hidden":                    100 * time.Hour,
	} {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := s.Sweep(ended, s.access.root.Writable()); n != 0 || err != context.Canceled {
		t.Errorf("after the end of ctx: removed %d, %v, want %v", n, err, context.Canceled)
	}
	if n, err := s.Sweep(t.Context(), s.access.root.Writable()); n != 2 || err != nil {
		t.Errorf("removed %d, %v, want 2", n, err)
	}
	want := []string{".dir.ABC.sluice-part", ".hidden", ".young.ABC.sluice-part", "d", "not.ours.sluice-part"}
	if got := s.names(); !slices.Equal(got, want) {
		t.Errorf("the tree has %q, want %q", got, want)
	}
	reader := &ftpd.Server{FS: s.access.root, KeepPartials: -1}
	if n, err := reader.Sweep(t.Context(), reader.FS); n != 0 || err != nil {
		t.Errorf("a read-only server has removed %d, %v", n, err)
	}
}
