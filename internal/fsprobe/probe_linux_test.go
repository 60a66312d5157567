package fsprobe

import (
	"path/filepath"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// A FUSE is read-only here: making a file is refused, and sendfile is tried with one that exists.
func TestAFileSystemOfAProcessIsTried(t *testing.T) {
	dir := filepath.Join(nettest.TempDir(t), "mnt")
	nettest.MountFUSE(t, dir)
	got := Probe(dir, Options{Write: true})
	if got.Kind != FUSE || got.Type != "fuse" || got.Source != "test" || got.Sendfile != Yes || got.Err == nil || got.Hangs {
		t.Errorf("got %+v", got)
	}
}

func TestAFileSystemThatHangsIsGivenUp(t *testing.T) {
	dir := filepath.Join(nettest.TempDir(t), "mnt")
	mount := nettest.MountFUSE(t, dir)
	mount.HangAll()
	begin := time.Now()
	got := Probe(dir, Options{Write: true, Patience: 200 * time.Millisecond})
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if !got.Hangs || got.During == "" || got.Type != "fuse" {
		t.Errorf("got %+v, want that it hangs", got)
	}
	if c := got.Concerns(); len(c) != 1 {
		t.Errorf("concerns: %v", c)
	}
	mount.Answer()
}

// A file system that becomes slow is not asked for ever.
func TestNoStepBeginsTooLate(t *testing.T) {
	dir := nettest.TempDir(t)
	p := &probe{write: true, until: time.Now().Add(-time.Second)}
	got := p.run(Report{Dir: dir, Type: "fuse", Kind: FUSE})
	if got.Seen != NotTried || got.Replace != NotTried || got.Sendfile != NotTried {
		t.Errorf("got %+v", got)
	}
	wantNothingIn(t, dir)
}
