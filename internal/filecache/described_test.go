package filecache_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/filecache"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// copies is a file system whose files have a copy on the disk.
type copies struct {
	afero.Fs
	local string
}

func (c copies) Open(name string) (afero.File, error) {
	f, err := c.Fs.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return f, err
	}
	local, err := os.Open(c.local)
	return copied{f, local}, err
}

type copied struct {
	afero.File
	local *os.File
}

func (c copied) OSFile() *os.File { return c.local }

// A copy on the disk is shared and kept, with the description that its file system has of it now.
func TestACopyOnTheDiskKeepsItsDescription(t *testing.T) {
	content := make([]byte, 100_000)
	local := filepath.Join(nettest.TempDir(t), "hash")
	if err := os.WriteFile(local, content, 0o600); err != nil {
		t.Fatal(err)
	}
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/f", content, 0o644); err != nil {
		t.Fatal(err)
	}
	cache := &filecache.Cache{Tree: vfs.Of(copies{memory, local}), Valid: time.Hour}
	defer cache.Close()
	var before *filecache.File
	for i, date := range []time.Time{time.Unix(1e9, 0), time.Unix(1e9, 0), time.Unix(2e9, 0)} {
		if err := memory.Chtimes("/f", date, date); err != nil {
			t.Fatal(err)
		}
		vfs.CountChange()
		f, err := cache.Get("/f")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Release()
		info, err := f.Stat()
		if _, isOS := f.File.(*os.File); !isOS || !f.IsShared() || !f.Info.ModTime().Equal(date) || err != nil || info != f.Info || info.Name() != "f" {
			t.Errorf("%d: got a %T of %v, described as %v, %v", i, f.File, f.Info.ModTime(), info, err)
		}
		if isSame := f == before; isSame != (i == 1) {
			t.Errorf("%d: the file of before is kept: %v", i, isSame)
		}
		before = f
	}
	if got := cache.Stats(); got.Files != 1 {
		t.Errorf("got %+v", got)
	}
}
