package s3fs_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/s3fs"
)

// smallDisk mounts a file system of some KiB, and returns a directory in it.
func smallDisk(t *testing.T, kib int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kib)); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// The disk fails at the first write, at the second, and so on.
func TestAFullDiskFailsNobody(t *testing.T) {
	const size = 2<<20 + 100
	for kib := 8; kib <= 4096; kib += 256 {
		dir := filepath.Join(smallDisk(t, kib), "cache")
		s := newStore(t)
		cache := openCache(t, dir, 1<<30)
		var errs atomic.Int64
		cache.OnError = func(err error) {
			if errs.Add(1); !strings.Contains(err.Error(), "no space left on device") {
				t.Errorf("OnError got %v", err)
			}
		}
		files := s.open(t, with(cache))
		for _, name := range []string{"a", "b", "c"} {
			s.putPattern(name, size)
			for range 2 {
				if err := readPattern(files, name, size); err != nil {
					t.Errorf("%d KiB: %s: %v", kib, name, err)
				}
			}
		}
		_ = cache.Close()
		stats := cache.Stats()
		if fit := int64(kib/(2<<10+4)) > 0; errs.Load() != 1 || stats.Failures == 0 || !fit && stats.Fills > 0 {
			t.Errorf("%d KiB: OnError was called %d times, %+v", kib, errs.Load(), stats)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || int64(len(entries)) != stats.Fills+1 {
			t.Errorf("%d KiB: %d files are left, %v", kib, len(entries), err)
		}
	}
}

func TestADirectoryThatCannotBeWrittenToFailsNobody(t *testing.T) {
	const size = 100_000
	disk := smallDisk(t, 4096)
	dir := filepath.Join(disk, "cache")
	s := newStore(t)
	s.putPattern("a", size)
	s.putPattern("b", size)
	cache := openCache(t, dir, 1<<30)
	var errs atomic.Int64
	cache.OnError = func(error) { errs.Add(1) }
	files := s.open(t, with(cache))
	if err := readPattern(files, "a", size); err != nil {
		t.Fatal(err)
	}
	waitForCache(t, cache, "one fill", fills(1))
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, name := range []string{"a", "b"} {
			if err := readPattern(files, name, size); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cache.Close()
	if got := cache.Stats(); errs.Load() != 1 || got.Failures != 1 || got.Hits != 3 {
		t.Errorf("OnError was called %d times, %+v", errs.Load(), got)
	}
}

// filledByChild is the variable by which the test runs itself as a child: a directory, a size and the URL of a store.
const filledByChild = "SLUICE_TEST_CACHE"

// The child of TestAKilledProcessLeavesNoHalfObject.
func TestFillsUntilItIsKilled(t *testing.T) {
	dir, url, isChild := strings.Cut(os.Getenv(filledByChild), " ")
	if !isChild {
		t.Skip("it is for another test")
	}
	cache, err := s3fs.OpenCache(dir, killedSize)
	if err != nil {
		t.Fatal(err)
	}
	files, err := s3fs.Open(t.Context(), s3fs.Config{
		Endpoint: url, Bucket: bucketName, Region: "us-east-1", AccessKey: "key", SecretKey: "secret", Cache: cache,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i = (i + 1) % killedObjects {
		if err := readPattern(files, fmt.Sprint(i), killedLength(i)); err != nil {
			t.Fatal(err)
		}
		fmt.Println("read", i)
	}
}

const (
	killedObjects = 40
	killedSize    = 20 << 20 // not all objects fit
)

func killedLength(i int) int { return 300_000 + i*10_000 }

func TestAKilledProcessLeavesNoHalfObject(t *testing.T) {
	s := newStore(t)
	for i := range killedObjects {
		s.putPattern(fmt.Sprint(i), killedLength(i))
	}
	dir := filepath.Join(t.TempDir(), "cache")
	for round := range 12 {
		child := exec.Command(os.Args[0], "-test.run=^TestFillsUntilItIsKilled$", "-test.v")
		child.Env = append(os.Environ(), filledByChild+"="+dir+" "+s.URL)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		reads := 0
		var last string
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if last = lines.Text(); !strings.HasPrefix(last, "read") {
				continue
			}
			if reads++; reads == 1+round*5 {
				_ = child.Process.Kill()
			}
		}
		_ = child.Wait()
		if reads < 1+round*5 {
			t.Fatalf("the child has read %d objects: %s", reads, last)
		}
		checkCache(t, s, dir, round > 0)
	}
}

// checkCache checks that a cache has whole objects alone, and fills it.
func checkCache(t *testing.T, s *store, dir string, hasSome bool) {
	t.Helper()
	cache := openCache(t, dir, killedSize)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil:
			t.Error(err)
		case strings.HasPrefix(e.Name(), "unfinished-"):
			t.Errorf("%s was left behind", e.Name())
		case strings.HasPrefix(e.Name(), "object-"):
			f, err := os.Open(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if err := checkPattern(f, int(info.Size())); err != nil || info.Size() < int64(killedLength(0)) {
				t.Errorf("%s of %d bytes: %v", e.Name(), info.Size(), err)
			}
			_ = f.Close()
		}
	}
	files := s.open(t, with(cache))
	if stats := cache.Stats(); stats.Size > killedSize || hasSome && stats.Files == 0 {
		t.Errorf("%+v", stats)
	}
	for i := range killedObjects {
		if err := readPattern(files, fmt.Sprint(i), killedLength(i)); err != nil {
			t.Error(err)
		}
	}
	_ = files.Close()
	if err := cache.Close(); err != nil {
		t.Error(err)
	}
}
