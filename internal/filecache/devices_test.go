package filecache_test

import (
	"os"
	"runtime"
	"testing"

	"sluice/internal/filecache"
	"sluice/internal/residence"
)

// The residence of files is asked for once a device, as long as a file of it is open. After that another file system may
// have its number.
func TestResidenceIsKnownByTheDeviceOfOpenFiles(t *testing.T) {
	asked, answer := 0, residence.Disk
	defer filecache.SetResidence(func(*os.File) residence.Residence { asked++; return answer })()
	before := filecache.OpenDevices()
	s := newFixture(t, &filecache.Cache{})
	s.write(t, "a", "one")
	s.write(t, "b", "two")
	get := func(path string, want residence.Residence, asks int) *filecache.File {
		t.Helper()
		f, err := s.Get(path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Residence != want || asked != asks {
			t.Errorf("%s: %v after asking %d times, want %v after %d", path, f.Residence, asked, want, asks)
		}
		return f
	}
	a := get("/a", residence.Disk, 1)
	answer = residence.Memory
	get("/b", residence.Disk, 1).Release()
	a.Release()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := filecache.OpenDevices() - before; n != 0 {
		t.Fatalf("%d devices are known of which no file is open", n)
	}
	get("/a", residence.Memory, 2).Release()
	get("/a", residence.Memory, 3).Release() // after Close nothing is kept open
}

// The leak check of the fixture finds a file that stays open.
func TestAFileOnAnotherMachineIsClosed(t *testing.T) {
	defer filecache.SetResidence(func(*os.File) residence.Residence { return residence.Remote })()
	before := filecache.OpenDevices()
	s := newFixture(t, &filecache.Cache{})
	s.write(t, "a", "one")
	if got := s.read(t, "/a"); got != "one" {
		t.Fatalf("got %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for filecache.OpenDevices() > before { // closed by a goroutine
		runtime.Gosched()
	}
}
