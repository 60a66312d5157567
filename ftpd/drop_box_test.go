package ftpd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/account"
)

// startWithPaths is start with the user alice, who has the rights base, and others at
// paths, and with the files.
func startWithPaths(t *testing.T, base account.Rights, paths map[string]account.Rights, files ...string) *server {
	t.Helper()
	var all []account.PathRights
	for name, rights := range paths {
		all = append(all, account.PathRights{Path: name, Rights: rights})
	}
	p, err := account.NewPaths(all...)
	if err != nil {
		t.Fatal(err)
	}
	s := startAs(t, func(a *access) {
		if err := a.users.AddAccount(account.Account{Name: "alice", Rights: base, Paths: p}, "x"); err != nil {
			t.Fatal(err)
		}
		if err := a.users.SetAnonymous(account.Account{Name: account.Anonymous, Rights: account.ReadOnly & base, Paths: p}); err != nil {
			t.Log("guests have not these rights:", err)
		}
	}, nil)
	for _, name := range files {
		full := filepath.Join(s.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *server) logInAs(name string) *client {
	c := s.dial()
	c.want(331, "USER "+name)
	c.want(230, "PASS x")
	return c
}

func TestADropBoxTakesFilesAndShowsNone(t *testing.T) {
	for _, user := range []string{"alice", "anonymous"} {
		t.Run(user, func(t *testing.T) {
			s := startWithPaths(t, account.ReadOnly, map[string]account.Rights{"/in": account.Create}, "in/taken.txt", "in/dir/x", "pub/f")
			c := s.logInAs(user)
			c.want(250, "CWD /in")
			if got := c.get(pasv, "LIST"); got != "" {
				t.Errorf("LIST shows %q", got)
			}
			if got := c.get(pasv, "NLST /"); !strings.Contains(got, "in\r\n") || !strings.Contains(got, "pub\r\n") {
				t.Errorf("NLST / shows %q", got)
			}
			if got := c.get(pasv, "MLSD"); strings.Count(got, "\r\n") != 2 || !strings.Contains(got, "perm=cem;") {
				t.Errorf("MLSD shows %q, want only the directory and its parent", got)
			}
			c.put(epsv, "STOR new.txt", strings.NewReader("one"))
			c.put(epsv, "STOR taken.txt", strings.NewReader("two"))
			c.put(epsv, "STOR taken.txt", strings.NewReader("three"))
			c.put(epsv, "APPE taken.txt", strings.NewReader("four"))
			c.put(epsv, "STOR dir", strings.NewReader("five"))
			for name, want := range map[string]string{
				"in/taken.txt": "in/taken.txt", "in/new.txt": "one", "in/taken (2).txt": "two", "in/taken (3).txt": "three", "in/taken (4).txt": "four", "in/dir (2)": "five",
			} {
				if got := s.content(name); got != want {
					t.Errorf("%s has %q, want %q", name, got, want)
				}
			}
			for _, command := range []string{
				"SIZE", "MDTM", "MLST", "CWD", "AVBL", "HASH", "XCRC", "STAT", "MKD", "RMD", "DELE", "RNFR", "SITE CHMOD 600", "MFMT 20200229120000", "RETR",
			} {
				there, none := c.answer(command+" taken.txt"), c.answer(command+" none.txt")
				if !strings.HasPrefix(there, "550 ") || there != strings.ReplaceAll(none, "none", "taken") {
					t.Errorf("%s: %q, and for a missing file %q", command, there, none)
				}
				if dir := c.answer(command + " dir"); dir != strings.ReplaceAll(none, "none.txt", "dir") {
					t.Errorf("%s: %q for a directory, and for a missing file %q", command, dir, none)
				}
			}
			if there, none := c.answer("STOR dir/new"), c.answer("STOR none/new"); there != none || !strings.HasPrefix(there, "5") {
				t.Errorf("STOR into a directory of the drop box: %q, and into a missing one %q", there, none)
			}
		})
	}
}

// Only the own part of a broken upload is shown, and to guests, who share a name, none.
func TestADropBoxKeepsBrokenUploadsOnlyForUsers(t *testing.T) {
	s := startWithPaths(t, account.ReadOnly, map[string]account.Rights{"/in": account.Create}, "in/big")
	breakUpload := func(c *client, name string) {
		conn := c.data(epsv, "STOR in/"+name)
		if _, err := conn.Write([]byte(pattern(0, 2*kept))); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the bytes to arrive", func() bool {
			return slices.ContainsFunc(partsIn(t, filepath.Join(s.dir, "in")), func(part string) bool {
				info, err := os.Stat(filepath.Join(s.dir, "in", part))
				return err == nil && info.Size() >= kept
			})
		})
		reset(t, conn)
		c.expect(426, "STOR")
	}
	breakUpload(s.logInAs("alice"), "big")
	n := s.transfer().Kept
	c := s.logInAs("alice")
	if got := c.want(213, "SIZE /in/big"); got != fmt.Sprint("213 ", n) {
		t.Errorf("SIZE: %s, want %d", got, n)
	}
	c.want(350, fmt.Sprint("REST ", n))
	c.put(epsv, "STOR /in/big", strings.NewReader("end"))
	if got := s.content("in/big (2)"); len(got) != int(n)+3 || s.content("in/big") != "in/big" {
		t.Errorf("%d bytes are there, want %d", len(got), n+3)
	}

	guest := s.logInAs("anonymous")
	breakUpload(guest, "g")
	guest.want(550, "SIZE /in/g")
	if parts := partsIn(t, filepath.Join(s.dir, "in")); len(parts) > 0 {
		t.Errorf("%q remain of the upload of a guest", parts)
	}
}

// partsIn returns the hidden files of uploads in a directory.
func partsIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".sluice-part") {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestADirectoryWithOtherRightsInItIsNotMovedOrRemoved(t *testing.T) {
	all := account.All &^ account.Link
	s := startWithPaths(t, all, map[string]account.Rights{"/a/secret": 0, "/b/mine": all}, "a/f", "a/secret/x", "b/mine/y", "c/z")
	c := s.logInAs("alice")
	move := func(from, to string) string {
		c.want(350, "RNFR "+from)
		return c.answer("RNTO " + to)
	}
	for _, tt := range []struct{ from, to, want string }{
		{"/a", "/moved", "550"}, {"/c", "/a/secret", "550"}, {"/c", "/a", "550"}, {"/b", "/b2", "250"}, {"/a/f", "/a/g", "250"}, {"/c", "/a/c", "250"},
	} {
		if got := move(tt.from, tt.to); !strings.HasPrefix(got, tt.want) {
			t.Errorf("RNFR %s, RNTO %s: %s, want %s", tt.from, tt.to, got, tt.want)
		}
	}
	c.want(550, "RNFR /a/secret")
	// The refusal does not depend on what is there.
	there := c.answer("RMD /a")
	if err := os.RemoveAll(filepath.Join(s.dir, "a")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if empty := c.answer("RMD /a"); there != empty || !strings.HasPrefix(empty, "550") {
		t.Errorf("RMD: %q, and for an empty directory %q", there, empty)
	}
}

func TestPathsWithoutRightsAreNowhere(t *testing.T) {
	s := startWithPaths(t, account.All, map[string]account.Rights{"/pub/secret": 0}, "pub/f", "pub/secret/x", "pub/secret/d/y")
	if err := os.Symlink("secret", filepath.Join(s.dir, "pub", "way")); err != nil {
		t.Log("no links here:", err)
	}
	c := s.logInAs("alice")
	for _, line := range []string{"LIST /pub", "NLST /pub", "MLSD /pub", "LIST -R /pub", "LIST /pub/*", "NLST /*/*", "NLST /pub/secret*", "LIST /pub/[s]ecret", "LIST /pub/secret/*", "NLST /pub/way/*"} {
		if got := c.get(pasv, line); strings.Contains(got, "secret") || strings.Contains(got, "way") {
			t.Errorf("%s shows %q", line, got)
		}
	}
	for _, line := range []string{"CWD", "SIZE", "MDTM", "MLST", "STAT", "HASH", "XCRC", "RNFR", "DELE", "RMD", "AVBL", "MKD", "SITE CHMOD 700"} {
		for _, dir := range []string{"/pub/secret", "/pub/secret/x", "/pub/secret/d", "/pub/way", "/pub/way/x"} {
			there, none := c.answer(line+" "+dir), c.answer(line+" /pub/secret/none")
			if there != none && !strings.Contains(there, "No such file") || !strings.HasPrefix(there, "5") {
				t.Errorf("%s %s: %q, and for a missing file %q", line, dir, there, none)
			}
		}
	}
	c.passive(epsv)
	c.want(550, "RETR /pub/secret/x")
	c.passive(epsv)
	c.want(550, "RETR /pub/way/x")
	for _, line := range []string{"STOR /pub/secret/n", "APPE /pub/secret/x", "STOU /pub/secret/n", "STOR /pub/way/n"} {
		if got := c.answer(line); !strings.HasPrefix(got, "5") {
			t.Errorf("%s: %s", line, got)
		}
	}
	c.want(550, "SITE SYMLINK /pub/secret/x /pub/l")
	c.want(550, "SITE SYMLINK /pub/f /pub/l")
	if got := s.content("pub/secret/x"); got != "pub/secret/x" {
		t.Errorf("the secret is %q", got)
	}
	entries, _ := os.ReadDir(filepath.Join(s.dir, "pub", "secret"))
	if len(entries) != 2 || !slices.ContainsFunc(entries, os.DirEntry.IsDir) {
		t.Errorf("the secret directory has %v", entries)
	}
}
