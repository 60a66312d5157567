package ftpd_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"sluice/ftpd"
)

// Before the reply, the file and each directory whose names have changed are synced, as
// far as Durability says.
func TestChangesAreOnTheDiskBeforeTheReply(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("directories cannot be synced on this system")
	}
	type counts struct{ files, dirs int32 }
	commands := []struct {
		name   string
		do     func(c *client)
		full   counts
		strict counts
		rename counts
	}{
		{"STOR of a new file", func(c *client) { c.put(pasv, "STOR new", strings.NewReader("x")) }, counts{1, 1}, counts{1, 1}, counts{1, 0}},
		{"STOR over a file", func(c *client) { c.put(pasv, "STOR old", strings.NewReader("x")) }, counts{1, 1}, counts{1, 1}, counts{1, 0}},
		{"STOU", func(c *client) { c.put(pasv, "STOU", strings.NewReader("x")) }, counts{1, 1}, counts{1, 1}, counts{1, 0}},
		{"APPE to a file", func(c *client) { c.put(pasv, "APPE old", strings.NewReader("x")) }, counts{1, 1}, counts{1, 1}, counts{1, 0}},
		{"APPE to a new file", func(c *client) { c.put(pasv, "APPE new", strings.NewReader("x")) }, counts{1, 1}, counts{1, 1}, counts{1, 0}},
		{"REST in a file", func(c *client) { c.want(350, "REST 1"); c.put(pasv, "STOR old", strings.NewReader("x")) }, counts{1, 1}, counts{1, 1}, counts{1, 0}},
		{"MKD", func(c *client) { c.want(257, "MKD new") }, counts{0, 1}, counts{0, 1}, counts{}},
		{"SITE SYMLINK", func(c *client) { c.want(200, "SITE SYMLINK old new") }, counts{0, 1}, counts{0, 1}, counts{}},
		{"RNTO in the same directory", func(c *client) { c.want(350, "RNFR old"); c.want(250, "RNTO new") }, counts{0, 1}, counts{0, 1}, counts{}},
		{"RNTO to another directory", func(c *client) { c.want(350, "RNFR old"); c.want(250, "RNTO d/new") }, counts{0, 2}, counts{0, 2}, counts{}},
		{"DELE", func(c *client) { c.want(250, "DELE old") }, counts{}, counts{0, 1}, counts{}},
		{"RMD", func(c *client) { c.want(250, "RMD d") }, counts{}, counts{0, 1}, counts{}},
		{"MFMT", func(c *client) { c.want(213, "MFMT 20200229120000 old") }, counts{}, counts{1, 0}, counts{}},
		{"SITE CHMOD", func(c *client) { c.want(200, "SITE CHMOD 600 old") }, counts{}, counts{1, 0}, counts{}},
		{"commands that change nothing", func(c *client) { c.get(pasv, "RETR old"); c.want(213, "SIZE old"); c.get(pasv, "LIST") }, counts{}, counts{}, counts{}},
	}
	for level := ftpd.DurabilityFull; level <= ftpd.DurabilityNone; level++ {
		for _, tt := range commands {
			t.Run(level.String()+"/"+tt.name, func(t *testing.T) {
				want := map[ftpd.Durability]counts{ftpd.DurabilityFull: tt.full, ftpd.DurabilityStrict: tt.strict, ftpd.DurabilityRename: tt.rename}[level]
				var files, dirs atomic.Int32
				s := start(t, func(s *ftpd.Server) {
					s.Durability = level
					s.OnSync = func(x ftpd.Sync) {
						if x.Err != nil {
							t.Error(x.Err)
						}
						if x.Directory {
							dirs.Add(1)
						} else {
							files.Add(1)
						}
					}
				})
				s.file("old", 5)
				c := s.login()
				c.want(257, "MKD d")
				files.Store(0)
				dirs.Store(0)
				tt.do(c)
				if got := (counts{files.Load(), dirs.Load()}); got != want {
					t.Errorf("%+v syncs before the reply, want %+v", got, want)
				}
			})
		}
	}
}

func TestRemovalsAreOnTheDiskWhenTheServerHasStopped(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("directories cannot be synced on this system")
	}
	var dirs atomic.Int32
	s := start(t, func(s *ftpd.Server) { s.OnSync = func(ftpd.Sync) { dirs.Add(1) } })
	s.file("f", 5)
	s.login().want(250, "DELE f")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := dirs.Load(); n != 1 {
		t.Errorf("%d syncs, want 1", n)
	}
}

// brokenDirs is a tree whose directories cannot be opened once broken is set.
type brokenDirs struct {
	afero.Fs
	broken *atomic.Bool
}

func (b brokenDirs) Open(name string) (afero.File, error) {
	f, err := b.Fs.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() && b.broken.Load() {
		_ = f.Close()
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EIO}
	}
	return f, nil
}

// A change is not undone, because other clients may have seen it.
func TestAFailedSyncOfANameIsReportedAndNothingIsUndone(t *testing.T) {
	var broken atomic.Bool
	var who *access
	s := startAs(t, func(a *access) { who = a }, func(s *ftpd.Server) {
		s.Login = func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
			return &ftpd.Account{Name: "u", FS: brokenDirs{who.root.Writable(), &broken}, Rights: ftpd.All}, nil
		}
	})
	s.file("old", 5)
	c := s.login()
	broken.Store(true)
	for _, tt := range []struct {
		command string
		do      func()
		there   string // a name that exists afterwards
	}{
		{"STOR", func() { _, _ = io.WriteString(closing{c.data(pasv, "STOR new")}, "content") }, "new"},
		{"STOR", func() { _, _ = io.WriteString(closing{c.data(pasv, "STOR old")}, "content") }, "old"},
		{"APPE", func() { _, _ = io.WriteString(closing{c.data(pasv, "APPE old")}, "content") }, "old"},
		{"MKD", func() { c.send("MKD d") }, "d"},
		{"RNTO", func() { c.want(350, "RNFR old"); c.send("RNTO moved") }, "moved"},
	} {
		tt.do()
		if text := c.expect(451, tt.command); !strings.Contains(text, "may not survive a crash: input/output error") {
			t.Errorf("%s got %q", tt.command, text)
		}
		if !slices.Contains(s.names(), tt.there) {
			t.Errorf("after %s there is no %s: %q", tt.command, tt.there, s.names())
		}
	}
	for range 3 {
		if x := s.transfer(); !errors.Is(x.Err, syscall.EIO) || x.Kept != 0 {
			t.Errorf("reported %v, %d bytes kept", x.Err, x.Kept)
		}
	}
	if got := s.content("moved"); got != "contentcontent" {
		t.Errorf("the file is %q", got)
	}
}

// closing is a connection that is closed after the first write.
type closing struct{ io.WriteCloser }

func (c closing) Write(p []byte) (int, error) {
	n, err := c.WriteCloser.Write(p)
	return n, errors.Join(err, c.Close())
}
