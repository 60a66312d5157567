package fileid_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"sluice/internal/fileid"
	"sluice/internal/nettest"
)

func TestEachChangeChangesTheID(t *testing.T) {
	t.Parallel()
	dir := nettest.TempDir(t)
	path := filepath.Join(dir, "f")
	past := time.Now().Add(-time.Hour)
	write := func(name, content string) func() error {
		return func() error { return os.WriteFile(name, []byte(content), 0o600) }
	}
	if err := write(path, "one")(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	last := identify(t, path)
	if !last.Regular || last.Size != 3 || last.Modified != past.UnixNano() && runtime.GOOS != "windows" { // which has units of 100 ns
		t.Errorf("got %+v, want a regular file of 3 bytes, modified at %d", last, past.UnixNano())
	}
	if again := identify(t, path); again != last {
		t.Errorf("two IDs without a change in between: %+v and %+v", last, again)
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"a write that makes it longer", write(path, "three")},
		{"another time", func() error { return os.Chtimes(path, past, past) }},
		{"a replacement by a file of the same size and time", func() error {
			if err := write(path+"2", "fiver")(); err != nil {
				return err
			}
			if err := os.Chtimes(path+"2", past, past); err != nil {
				return err
			}
			return os.Rename(path+"2", path)
		}},
		{"other permissions", func() error { return os.Chmod(path, 0o400) }},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		now := identify(t, path)
		if now == last {
			t.Errorf("%s: got %+v, the same as before", step.name, now)
		}
		last = now
	}
}

func TestDirectoryIsNotRegular(t *testing.T) {
	t.Parallel()
	if id := identify(t, nettest.TempDir(t)); id.Regular {
		t.Errorf("got %+v", id)
	}
}

func TestClosedFileIsAnError(t *testing.T) {
	t.Parallel()
	f, err := os.CreateTemp(nettest.TempDir(t), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if id, err := fileid.Of(f); err == nil {
		t.Errorf("got %+v and no error", id)
	}
}

func TestOfInfoAgreesWithOf(t *testing.T) {
	t.Parallel()
	path := filepath.Join(nettest.TempDir(t), "f")
	if err := os.WriteFile(path, []byte("x"), 0o640); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	got, want := fileid.OfInfo(info), identify(t, path)
	if !got.Known() {
		got.Device, got.Inode, got.Mode, got.Changed = want.Device, want.Inode, want.Mode, want.Changed
		if runtime.GOOS == "linux" {
			t.Error("the ID is not known")
		}
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSettled(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_000_000, 0)
	for name, tt := range map[string]struct {
		id   fileid.ID
		now  time.Time
		want bool
	}{
		"long ago":                  {fileid.ID{Changed: at.UnixNano()}, at.Add(time.Minute), true},
		"within a tick":             {fileid.ID{Changed: at.UnixNano()}, at.Add(2 * time.Second), false},
		"in the future":             {fileid.ID{Changed: at.UnixNano()}, at.Add(-time.Hour), false},
		"a time set by a program":   {fileid.ID{Changed: at.UnixNano(), Modified: at.Add(time.Hour).UnixNano()}, at.Add(time.Minute), true},
		"without Changed, long ago": {fileid.ID{Modified: at.UnixNano()}, at.Add(time.Minute), true},
		"without Changed, just now": {fileid.ID{Modified: at.UnixNano()}, at.Add(time.Second), false},
	} {
		if got := tt.id.Settled(tt.now); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestOfAllocatesNothing(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		t.Skip("the buffer of the system call is allocated here")
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n := testing.AllocsPerRun(100, func() { _, _ = fileid.Of(f) }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

// identify returns the ID of the file at path.
func identify(t *testing.T, path string) fileid.ID {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	id, err := fileid.Of(f)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
