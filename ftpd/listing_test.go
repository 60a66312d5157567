package ftpd_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/vfs"
)

// ABOR ends it in the same way.
func TestAPatternSearchEndsWhenTheClientDisconnects(t *testing.T) {
	tree, err := vfs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if err := ftpd.GlobForTest(tree, "/*"); !errors.Is(err, ftpd.ErrClientGone) {
		t.Errorf("got %v, want %v", err, ftpd.ErrClientGone)
	}
}

func TestAPatternThatReadsTooManyDirectoriesIsRefused(t *testing.T) {
	s := start(t, nil)
	for i := range 1100 {
		if err := os.Mkdir(filepath.Join(s.dir, fmt.Sprint("d", i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := s.guest()
	c.passive(pasv)
	c.want(550, "NLST */*")
	c.passive(pasv)
	c.want(550, "LIST */*/*/*/*")
	if got := c.get(pasv, "NLST d109*"); strings.Count(got, "\r\n") != 11 {
		t.Errorf("NLST d109* = %q", got)
	}
}

// RFC 2640 wants UTF-8, but file systems may have names in other encodings.
func TestNamesThatAreNotUTF8AreKept(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("names are UTF-8 here")
	}
	const name = "caf\xe9 \x80\xfe"
	s := start(t, nil)
	c := s.login()
	c.put(pasv, "STOR "+name, strings.NewReader("content"))
	if got := s.content(name); got != "content" {
		t.Errorf("the file is %q", got)
	}
	for _, line := range []string{"NLST", "NLST caf*", "NLST " + name} {
		if got := c.get(pasv, line); got != name+"\r\n" {
			t.Errorf("%q = %q", line, got)
		}
	}
	for _, line := range []string{"LIST", "MLSD"} {
		if got := c.get(pasv, line); !strings.HasSuffix(got, " "+name+"\r\n") {
			t.Errorf("%s = %q", line, got)
		}
	}
	if got := c.get(pasv, "RETR "+name); got != "content" {
		t.Errorf("RETR = %q", got)
	}
	if text := c.want(250, "MLST "+name); !strings.Contains(text, "/"+name+"\r\n") {
		t.Errorf("MLST = %q", text)
	}
}

// Like ls, LIST shows the time for files of the last half year, and the year for others.
func TestListShowsTheTimeOrTheYear(t *testing.T) {
	s := start(t, nil)
	now := time.Now()
	for name, when := range map[string]time.Time{
		"now": now, "young": now.AddDate(0, 0, -150), "old": now.AddDate(0, 0, -200), "future": now.AddDate(0, 0, 30),
	} {
		s.file(name, 0)
		if err := os.Chtimes(filepath.Join(s.dir, name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(s.guest().get(pasv, "LIST")) {
		f := strings.Fields(line)
		if hasTime := strings.Contains(f[7], ":"); hasTime != (f[8] == "now" || f[8] == "young") {
			t.Errorf("%q", line)
		}
	}
}
