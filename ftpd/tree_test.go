package ftpd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
)

func TestUsersWithoutWriteRightsChangeNothing(t *testing.T) {
	for _, who := range []struct {
		name  string
		admit func(*access)
		login func(*server) *client
	}{
		{"anonymous", nil, (*server).guest},
		{"anonymous in a writable tree", func(a *access) { a.root = a.root.Writable() }, (*server).guest},
		{"a user without write rights", func(a *access) { a.write = false }, (*server).login},
		{"a user without write rights in a writable tree", func(a *access) {
			a.root, a.write = a.root.Writable(), false
		}, (*server).login},
	} {
		t.Run(who.name, func(t *testing.T) {
			s := startAs(t, who.admit, nil)
			s.file("f", 10)
			if err := os.Mkdir(filepath.Join(s.dir, "d"), 0o755); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(s.dir, "f")
			old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
			c := who.login(s)
			for _, tt := range []struct {
				before string
				code   int
				line   string
			}{
				{"PASV", 550, "STOR f"},
				{"PASV", 550, "STOR new"},
				{"PASV", 550, "APPE f"},
				{"PASV", 550, "APPE new"},
				{"REST 3", 200, "NOOP"},
				{"PASV", 550, "STOR f"},
				{"", 550, "DELE f"},
				{"", 550, "RMD d"},
				{"", 550, "XRMD d"},
				{"", 550, "MKD new"},
				{"", 550, "XMKD new"},
				{"RNFR f", 550, "RNTO new"},
				{"RNFR d", 550, "RNTO new"},
				{"", 550, "MFMT 20200101000000 f"},
				{"", 550, "MDTM 20200101000000 f"},
				{"", 550, "MFF modify=20200101000000; f"},
				{"", 550, "MFF UNIX.mode=0600; f"},
				{"", 550, "SITE CHMOD 777 f"},
				{"", 550, "SITE UTIME 202001010000 f"},
				{"", 550, "SITE SYMLINK f new"},
				{"", 504, "SITE RMDIR d"},
				{"", 504, "SITE MKDIR new"},
				{"", 504, "SITE CHOWN 1:1 f"},
				{"", 502, "COMB f f"},
				{"PASV", 550, "STOU"},
			} {
				if tt.before != "" {
					c.send(tt.before)
					if code, text, err := c.reply(); err != nil || code >= 400 {
						t.Errorf("%s: %q, %v", tt.before, text, err)
					}
				}
				c.want(tt.code, tt.line)
			}
			if got := s.names(); !slices.Equal(got, []string{"d", "f"}) || s.content("f") != pattern(0, 10) {
				t.Errorf("the tree has %q", got)
			}
			if info, err := os.Stat(path); err != nil || !info.ModTime().Equal(old) || info.Mode().Perm() != 0o644 {
				t.Errorf("f has changed: %v, %v", info, err)
			}
		})
	}
}

func TestUsersWithWriteRightsCanChangeFiles(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	c := s.login()
	c.want(257, "MKD d")
	c.want(350, "RNFR f")
	c.want(250, "RNTO d/g")
	c.want(213, "MFMT 20200102030405 d/g")
	if text := c.want(213, "MDTM d/g"); text != "213 20200102030405" {
		t.Errorf("MDTM: %q", text)
	}
	c.want(550, "RMD d") // not empty
	c.want(550, "DELE d")
	c.want(550, "RMD d/g")
	c.want(250, "DELE d/g")
	c.want(250, "RMD d")
	c.want(200, "ALLO 100")
	if got := s.names(); len(got) != 0 {
		t.Errorf("the tree has %q", got)
	}
}

func TestCommandsWithoutAnArgumentDoNotChangeTheCurrentDirectory(t *testing.T) {
	s := start(t, nil)
	for _, d := range []string{"d", "d/e"} {
		if err := os.Mkdir(filepath.Join(s.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.file("f", 10)
	c := s.login()
	c.want(250, "CWD /d/e")
	for _, line := range []string{"RMD .", "RMD ..", "RMD /", "DELE /", "XRMD ."} {
		c.want(550, line)
	}
	for _, line := range []string{"DELE", "RMD", "XRMD", "RNFR", "RNTO", "MKD"} {
		c.want(501, line)
	}
	c.want(350, "RNFR .")
	c.want(550, "RNTO /x")
	c.want(350, "RNFR /d")
	c.want(550, "RNTO /x")
	c.want(350, "RNFR /f")
	c.want(550, "RNTO .")
	c.want(350, "RNFR /")
	c.want(550, "RNTO /x")
	c.want(250, "RMD /d/e") // by its absolute path: clients that remove a tree are in it
	c.want(250, "CWD ..")
	if got := s.names(); len(got) != 2 {
		t.Errorf("the directory has %q, want d and f", got)
	}
}

func TestNoNameLeadsOutOfTheTree(t *testing.T) {
	s := start(t, nil)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link(outside, "dir")
	link(secret, "file")
	link("../"+filepath.Base(outside)+"/secret", "relative")
	link("loop", "loop")
	makeFIFO(t, filepath.Join(s.dir, "fifo"))
	link("fifo", "tofifo")
	if err := os.Mkdir(filepath.Join(s.dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}

	c := s.login()
	c.want(250, "CWD sub")
	before := s.names()
	// These are listed, and RMD removes the links: see links_test.go.
	listed := []string{"/dir", "/file", "/relative", "/loop", "/fifo", "/tofifo"}
	describing := []string{"LIST", "NLST", "MLST", "STAT", "RMD"}
	up := strings.Repeat("../", 40)
	for _, name := range []string{
		secret, up + secret, "..", up + "etc/passwd", "/../../etc/passwd", "/dir", "/dir/secret",
		"/file", "/relative", "/loop", "/fifo", "/tofifo", "/sub/../dir/secret", "..\\..\\etc", "/proc/self/root", "\x00", "/file\x00.txt",
		"~root", "$HOME", "/dir/./secret", "//dir//secret",
	} {
		for _, cmd := range []string{"RETR", "STOR", "APPE", "SIZE", "MDTM", "MLST", "CWD", "LIST", "NLST", "MLSD", "STAT", "RMD", "MFMT 20200101000000"} {
			if cmd == "STOR" && !strings.Contains(name, "dir") && !strings.Contains(name, "f") {
				continue // the name is valid and makes a file
			}
			if cmd == "APPE" && !strings.Contains(name, "f") {
				continue
			}
			if name == ".." && cmd != "RETR" && cmd != "SIZE" && cmd != "RMD" {
				continue // the root, for which the other commands succeed
			}
			if slices.Contains(listed, name) && slices.Contains(describing, cmd) {
				continue
			}
			line := cmd + " " + name
			c.passive(epsv)
			c.send(line)
			code, text, err := c.reply()
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if code < 450 {
				t.Errorf("%q: %q", line, text)
			}
			if strings.Contains(text, s.dir) {
				t.Errorf("%q: %q contains the host's path", line, text)
			}
		}
	}
	if text := c.want(257, "PWD"); !strings.Contains(text, `"/sub"`) {
		t.Errorf("PWD: %q", text)
	}
	// Removing a link leaves its target.
	c.want(250, "DELE /file")
	c.want(550, "DELE /dir/secret")
	if b, err := os.ReadFile(secret); string(b) != "secret" || err != nil {
		t.Errorf("the file outside: %q, %v", b, err)
	}
	if got := s.names(); len(got) != len(before)-1 {
		t.Errorf("the tree has %q", got)
	}
}

func TestTheReplyToCWDDoesNotShowTheHostsPath(t *testing.T) {
	s := start(t, nil)
	c := s.guest()
	path := string(filepath.Separator) + filepath.Base(s.dir) // without the separator it could match a time
	for _, line := range []string{"CWD /", "CWD ..", "CDUP", "PWD", "STAT /", "MLST /", "MLST", "STAT"} {
		c.send(line)
		_, text, err := c.reply()
		if err != nil || strings.Contains(text, path) {
			t.Errorf("%s: %q, %v", line, text, err)
		}
	}
}

func TestNoNameForgesALine(t *testing.T) {
	s := start(t, nil)
	const evil = "a\r\n-rw-r--r-- 1 ftp ftp 1 Jan 1 2020 forged\x1b[2J\x7f"
	s.file(evil, 1)
	s.file("b", 1)
	const shown = "a??-rw-r--r-- 1 ftp ftp 1 Jan 1 2020 forged?[2J?"
	for _, m := range []mode{pasv, port} {
		for _, cmd := range []string{"LIST", "NLST", "MLSD"} {
			got := s.guest().get(m, cmd)
			if cmd == "MLSD" {
				_, got, _ = strings.Cut(got, " .\r\n") // removes the line of the directory itself
			}
			if strings.Count(got, "\n") != 2 || strings.Count(got, "\r") != 2 || !strings.Contains(got, shown+"\r\n") {
				t.Errorf("%s = %q", cmd, got)
			}
		}
	}
}

func TestLargeListing(t *testing.T) {
	const files = 1000
	s := start(t, nil)
	var want strings.Builder
	for i := range files {
		name := fmt.Sprintf("a-file-with-a-rather-long-name-%05d", i)
		s.file(name, 0)
		want.WriteString(name + "\r\n")
	}
	for _, m := range []mode{pasv, port} {
		if got := s.guest().get(m, "NLST"); got != want.String() {
			t.Errorf("%s: NLST gave %d bytes, want %d", m, len(got), want.Len())
		}
	}
}

func TestListingToAClientThatStallsIsCut(t *testing.T) {
	for _, m := range []mode{pasv, port} {
		t.Run(string(m), func(t *testing.T) {
			s := start(t, func(s *ftpd.Server) { s.StallTimeout = 200 * time.Millisecond })
			path := s.makeDeepDir(2000)
			c := s.guest()
			conn := c.data(m, "NLST "+path)
			_ = conn.SetReadBuffer(16 << 10)
			c.expect(426, "NLST")
			c.want(200, "NOOP")
			_ = conn.Close()
		})
	}
}

// makeDeepDir makes empty files in a directory with a long path, which it returns. NLST repeats
// the path with each name, so that a listing is larger than the socket buffers.
func (s *server) makeDeepDir(files int) string {
	s.t.Helper()
	path := strings.Repeat(strings.Repeat("d", 250)+"/", 12)
	if err := os.MkdirAll(filepath.Join(s.dir, path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.file(path+"0", 0)
	dir, err := os.OpenRoot(filepath.Join(s.dir, path)) // resolves the long path only once
	if err != nil {
		s.t.Fatal(err)
	}
	defer dir.Close()
	for i := 1; i < files; i++ {
		if err := dir.Link("0", fmt.Sprint(i)); err != nil {
			s.t.Fatal(err)
		}
	}
	return path
}
