package ftpd_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/account"
)

// makeLinks makes a FIFO and symbolic links in the served directory: to files, to
// directories, out of the tree, and dangling ones.
func (s *server) makeLinks() (outside string) {
	s.t.Helper()
	outside = s.t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o666); err != nil {
		s.t.Fatal(err)
	}
	for _, dir := range []string{"proj", "shared"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	s.file("shared/f", 10)
	for name, target := range map[string]string{
		"dir": "../shared", "file": "../shared/f", "dangling": "missing", "loop": "loop", "here": ".",
		"absolute": outside, "out": "../../" + filepath.Base(outside), "chain": "out", "back": "../../" + filepath.Base(s.dir) + "/shared",
		"forged": "../shared\r\n-rw-r--r-- 1 ftp ftp 1 Jan 1 2020 x",
	} {
		if err := os.Symlink(target, filepath.Join(s.dir, "proj", name)); err != nil {
			s.t.Skip(err)
		}
	}
	makeFIFO(s.t, filepath.Join(s.dir, "proj", "pipe"))
	return outside
}

// projFacts is what MLSD shows of the directory proj after makeLinks.
const projFacts = "type=OS.unix=slink; absolute\r\ntype=OS.unix=slink; back\r\ntype=OS.unix=slink; chain\r\n" +
	"type=OS.unix=slink:missing; dangling\r\ntype=OS.unix=slink:../shared; dir\r\ntype=file;size=10; file\r\n" +
	"type=OS.unix=slink; forged\r\ntype=OS.unix=slink:.; here\r\ntype=OS.unix=slink:loop; loop\r\ntype=OS.unix=slink; out\r\n" +
	"type=OS.unix=fifo; pipe\r\n"

func TestListingsShowAllEntriesAndNothingOutsideTheTree(t *testing.T) {
	s := start(t, nil)
	outside := s.makeLinks()
	for _, who := range []struct {
		name  string
		login func(*server) *client
	}{{"a user", (*server).login}, {"anonymous", (*server).guest}} {
		c := who.login(s)
		c.want(200, "OPTS MLST type;size;")
		_, got, _ := strings.Cut(c.get(pasv, "MLSD proj"), " ..\r\n")
		if got != projFacts {
			t.Errorf("%s: MLSD proj = %q, want %q", who.name, got, projFacts)
		}
		long := map[string]string{} // what LIST shows of each name: the letter of its type, and the target
		for line := range strings.Lines(c.get(pasv, "LIST proj")) {
			fields := strings.Fields(line)
			long[fields[8]] = line[:1] + strings.Join(fields[9:], " ")
		}
		shown := map[string]string{"dangling": "l-> missing", "dir": "l-> ../shared", "file": "l-> ../shared/f", "here": "l-> .", "loop": "l-> loop", "pipe": "p"}
		for line := range strings.Lines(got) {
			_, name, _ := strings.Cut(strings.TrimSpace(line), " ")
			want, ok := shown[name]
			if !ok {
				want = "l" // a link out of the tree, or one that could forge a line
			}
			if long[name] != want {
				t.Errorf("%s: LIST has %q of %s, want %q", who.name, long[name], name, want)
			}
			// By its name and by a pattern, an entry is shown as in its directory.
			if text := c.want(250, "MLST proj/"+name); !strings.Contains(text, strings.TrimSuffix(strings.TrimSpace(line), name)+"/proj/"+name) {
				t.Errorf("%s: MLST proj/%s = %q", who.name, name, text)
			}
			if got := c.get(pasv, "NLST proj/"+name[:1]+"*"); !strings.Contains(got, "proj/"+name+"\r\n") {
				t.Errorf("%s: NLST of a pattern for %s = %q", who.name, name, got)
			}
			if name != "dir" && name != "here" { // LIST enters directories
				if got := c.get(pasv, "LIST proj/"+name); got[:1] != want[:1] || !strings.Contains(got, " proj/"+name) || strings.Count(got, "\n") != 1 {
					t.Errorf("%s: LIST proj/%s = %q", who.name, name, got)
				}
			}
			c.send("STAT proj/" + name)
			if code, text, err := c.reply(); err != nil || code/100 != 2 || strings.Contains(text, outside) || strings.Contains(text, filepath.Base(s.dir)) {
				t.Errorf("%s: STAT proj/%s = %q, %v", who.name, name, text, err)
			}
		}
		if got := c.get(pasv, "NLST p*/d*/*"); got != "proj/dir/f\r\n" {
			t.Errorf("%s: NLST of a pattern through links = %q", who.name, got)
		}
		for _, name := range []string{"absolute", "back", "chain", "dangling", "loop", "out", "pipe"} {
			for _, command := range []string{"RETR", "SIZE", "MDTM", "CWD", "MLSD"} {
				c.passive(pasv)
				c.want(550, command+" proj/"+name)
			}
		}
	}
}

// A client that does not know links takes a link to a directory for a directory.
func TestRemovingALinkRemovesTheLinkItself(t *testing.T) {
	for _, command := range []string{"DELE", "RMD"} {
		s := start(t, nil)
		outside := s.makeLinks()
		c := s.login()
		c.want(550, "RMD proj")
		for name := range strings.SplitSeq(strings.TrimSpace(c.get(pasv, "NLST proj")), "\r\n") {
			if command == "RMD" && name == "proj/pipe" {
				c.want(550, "RMD "+name)
				c.want(250, "DELE "+name)
				continue
			}
			c.want(250, command+" "+name)
			c.want(550, command+" "+name)
		}
		c.want(250, "RMD proj")
		if got := s.names(); !slices.Equal(got, []string{"shared"}) || s.content("shared/f") != pattern(0, 10) {
			t.Errorf("%s: the tree has %q", command, got)
		}
		if b, err := os.ReadFile(filepath.Join(outside, "secret")); string(b) != "secret" || err != nil {
			t.Errorf("%s: the file outside: %q, %v", command, b, err)
		}
	}
}

func TestLinksAndSpecialFilesCanBeRenamed(t *testing.T) {
	s := start(t, nil)
	s.makeLinks()
	c := s.login()
	for _, name := range []string{"absolute", "chain", "dangling", "dir", "file", "loop", "out", "pipe"} {
		path := filepath.Join(s.dir, "proj", name)
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		moved := "moved"
		if slices.Contains([]string{"absolute", "dir", "file", "out"}, name) { // one directory higher the link would lead out
			c.want(350, "RNFR proj/"+name)
			c.want(550, "RNTO moved")
			moved = "proj/moved"
		}
		c.want(350, "RNFR proj/"+name)
		c.want(250, "RNTO "+moved)
		after, err := os.Lstat(filepath.Join(s.dir, moved))
		if err != nil || !os.SameFile(before, after) {
			t.Errorf("%s: moved is %v, %v, want %v", name, after, err, before)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s still exists: %v", name, err)
		}
		c.want(250, "DELE "+moved)
	}
	if s.content("shared/f") != pattern(0, 10) {
		t.Error("the target of a link has changed")
	}
}

func TestRemovingALinkNeedsTheRightDelete(t *testing.T) {
	s := startAs(t, func(a *access) { a.root, a.write = a.root.Writable(), false }, nil)
	s.makeLinks()
	c := s.login()
	for _, line := range []string{"RMD proj/dir", "RMD proj/dangling", "DELE proj/dir"} {
		c.want(550, line)
	}
	if _, err := os.Lstat(filepath.Join(s.dir, "proj", "dir")); err != nil {
		t.Error(err)
	}
}

// A user that may upload files, but neither list nor read them, learns nothing of links
// either.
func TestLinksAreHiddenWithoutTheRightToSeeFiles(t *testing.T) {
	s := startAs(t, func(a *access) {
		if err := a.users.AddAccount(account.Account{Name: "blind", Rights: ftpd.Create}, "x"); err != nil {
			t.Fatal(err)
		}
	}, nil)
	s.makeLinks()
	c := s.dial()
	c.want(331, "USER blind")
	c.want(230, "PASS x")
	for _, line := range []string{"MLST proj/dir", "MLST proj/dangling", "STAT proj/dangling", "MDTM proj/file"} {
		c.want(550, line)
	}
}

func TestLinksOfOtherFileSystemsAreListed(t *testing.T) {
	dir := t.TempDir()
	for name, target := range map[string]string{"dir": "d", "file": "f", "dangling": "missing", "absolute": dir} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	for _, name := range []string{"f", ".f.0.sluice-part"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("12345"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	disk := afero.NewBasePathFs(afero.NewOsFs(), dir)
	for _, tt := range []struct {
		name string
		fs   afero.Fs
		want string
	}{
		{
			"with afero's interfaces for links", disk,
			"type=OS.unix=slink; absolute\r\ntype=dir; d\r\ntype=OS.unix=slink:missing; dangling\r\ntype=OS.unix=slink:d; dir\r\ntype=file;size=5; f\r\ntype=file;size=5; file\r\n",
		},
		{
			"with afero.Fs only", struct{ afero.Fs }{disk},
			"type=OS.unix=slink; absolute\r\ntype=dir; d\r\ntype=OS.unix=slink; dangling\r\ntype=OS.unix=slink; dir\r\ntype=file;size=5; f\r\ntype=file;size=5; file\r\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := startOnFS(t, tt.fs).login()
			c.want(200, "OPTS MLST type;size;")
			if _, got, _ := strings.Cut(c.get(pasv, "MLSD"), " .\r\n"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// faults-trust.md, T17: Sluice does not follow a link out of the user's tree, but other programs do, and so do users
// with a larger tree.
func TestNoLinkOutOfTheTreeCanBeMadeOrMoved(t *testing.T) {
	s := startAs(t, func(a *access) {
		for name, home := range map[string]string{"alice": "/alice", "bob": "/bob", "boss": ""} {
			if err := a.users.AddAccount(account.Account{Name: name, Home: home, Rights: account.All}, "x"); err != nil {
				t.Fatal(err)
			}
		}
	}, nil)
	for _, dir := range []string{"alice/d/e/g", "alice/etc", "bob"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.file("alice/etc/passwd", 10)
	s.file("alice/log", 0)
	as := func(name string) *client {
		c := s.dial()
		c.want(331, "USER "+name)
		c.want(230, "PASS x")
		return c
	}
	alice := as("alice")
	alice.want(200, "SITE SYMLINK /etc/passwd /d/e/g/l")
	alice.want(350, "RNFR /d/e/g/l")
	if text := alice.want(550, "RNTO /l"); !strings.Contains(text, "lead out") {
		t.Errorf("RNTO says %q", text)
	}
	alice.want(350, "RNFR /d/e/g") // with the link in it
	alice.want(550, "RNTO /g")
	alice.want(350, "RNFR /d/e/g/l")
	alice.want(250, "RNTO /d/e/g/m")
	alice.want(200, "SITE SYMLINK / /d/e/top")
	alice.want(200, "SITE SYMLINK /log /d/e/top/l") // makes /l
	if got, err := os.Readlink(filepath.Join(s.dir, "alice", "l")); err != nil || got != "log" {
		t.Errorf("/l leads to %q, %v", got, err)
	}

	boss := as("boss") // for this user, too, the link leads to alice/log
	boss.put(epsv, "APPE /alice/l", strings.NewReader("of the boss"))
	if got := s.content("alice/log"); got != "of the boss" {
		t.Errorf("log has %q", got)
	}
	boss.want(350, "RNFR /alice/d/e/g/m")
	boss.want(550, "RNTO /alice/m")
	boss.want(350, "RNFR /alice/d/e/g/m") // leads three directories up
	boss.want(250, "RNTO /alice/d/e/m")
}
