package residence

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

func TestResidenceIsThatOfTheFileSystem(t *testing.T) {
	for name, tt := range map[string]struct {
		number uint32
		want   Residence
	}{
		"ext4": {unix.EXT4_SUPER_MAGIC, Disk}, "xfs": {unix.XFS_SUPER_MAGIC, Disk}, "btrfs": {0x9123683e, Disk},
		"overlayfs": {0x794c7630, Disk}, "squashfs": {unix.SQUASHFS_MAGIC, Disk}, "iso9660": {unix.ISOFS_SUPER_MAGIC, Disk},
		"tmpfs": {unix.TMPFS_MAGIC, Memory}, "hugetlbfs": {unix.HUGETLBFS_MAGIC, Memory}, "ramfs": {unix.RAMFS_MAGIC, Memory},
		"NFS": {unix.NFS_SUPER_MAGIC, Remote}, "FUSE": {unix.FUSE_SUPER_MAGIC, Remote}, "SMB": {0xfe534d42, Remote},
		"9p": {unix.V9FS_MAGIC, Remote}, "ceph": {unix.CEPH_SUPER_MAGIC, Remote},
		"proc": {unix.PROC_SUPER_MAGIC, Remote}, "a number that is not known": {0xabcd, Remote},
	} {
		if got := ofType(tt.number); got != tt.want || got.IsLocal() != (tt.want == Disk || tt.want == Memory) {
			t.Errorf("%s: %v, local %v, want %v", name, got, got.IsLocal(), tt.want)
		}
	}
}

func TestOfAsksTheFileSystem(t *testing.T) {
	f := memoryFile(t, 1)
	if got := Of(f); got != Memory {
		t.Errorf("a memfd: %v", got)
	}
	status, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if got := Of(status); got != Remote {
		t.Errorf("a file of /proc: %v", got)
	}
	_ = status.Close()
	if got := Of(status); got != Unknown {
		t.Errorf("a closed file: %v", got)
	}
}

// Files in memory are warm and files elsewhere are not, without a system call: here for a file that is not open.
func TestOnlyADiskIsAsked(t *testing.T) {
	closed := memoryFile(t, 1)
	_ = closed.Close()
	for where, want := range map[Residence]bool{Unknown: false, Remote: false, Disk: false, Memory: true} {
		if got := where.IsWarm(closed, 0, 1); got != want {
			t.Errorf("%v: %v, want %v", where, got, want)
		}
	}
}

const page = 64 << 10 // of the largest page size

func TestARangeIsWarmOnceItWasRead(t *testing.T) {
	const end = 64 * page
	f := fileOnDisk(t, end)
	read := func(off int64) {
		t.Helper()
		if _, err := f.ReadAt(make([]byte, 1), off); err != nil {
			t.Fatal(err)
		}
	}
	if !isEverCold(t, f, end, func() {}) {
		t.Error("a file that was dropped from the page cache is warm")
	}
	read(0)
	if !Disk.IsWarm(f, 0, 1) {
		t.Error("the byte that was read is not warm")
	}
	if !isEverCold(t, f, end, func() { read(0) }) {
		t.Error("a file of which the last byte was not read is warm")
	}
	read(0)
	read(end - 1)
	for _, r := range [][2]int64{{0, end}, {0, 1}, {end - 1, 1}, {end, 0}} {
		if !Disk.IsWarm(f, r[0], r[1]) {
			t.Errorf("%d bytes at %d are not warm", r[1], r[0])
		}
	}
	if Disk.IsWarm(f, 0, end+1) {
		t.Error("bytes beyond the end are warm")
	}
}

// isEverCold drops f from the page cache, calls read and reports whether the first n bytes are not warm then. It tries
// several times, because the question itself starts reading ahead, which may end before the kernel looks.
func isEverCold(t *testing.T, f *os.File, n int64, read func()) bool {
	t.Helper()
	for range 100 {
		for _, advice := range []int{unix.FADV_DONTNEED, unix.FADV_RANDOM} { // random: reading a byte does not read ahead
			if err := unix.Fadvise(int(f.Fd()), 0, 0, advice); err != nil {
				t.Fatal(err)
			}
		}
		read()
		if !Disk.IsWarm(f, 0, n) {
			return true
		}
	}
	return false
}

func TestNothingIsAllocated(t *testing.T) {
	f := memoryFile(t, page) // the answer does not matter
	if n := testing.AllocsPerRun(100, func() { _ = Disk.IsWarm(f, 0, page) }); n != 0 {
		t.Errorf("IsWarm: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = Of(f) }); n != 0 {
		t.Errorf("Of: %v allocations", n)
	}
}

func BenchmarkIsWarm(b *testing.B) {
	f := fileOnDisk(b, page)
	if _, err := f.ReadAt(make([]byte, page), 0); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !Disk.IsWarm(f, 0, page) {
			b.Fatal("not warm")
		}
	}
}

// memoryFile returns a file of n zero bytes in memory.
func memoryFile(t testing.TB, n int64) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "test")
	t.Cleanup(func() { _ = f.Close() })
	if _, err := f.WriteAt(make([]byte, n), 0); err != nil {
		t.Fatal(err)
	}
	return f
}

// fileOnDisk returns a file of n bytes that are on the disk, if the test folder is and the file system knows what is in
// the page cache.
func fileOnDisk(t testing.TB, n int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(nettest.TempDir(t), "f"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if where := Of(f); where != Disk {
		t.Skipf("the test folder is not on a disk but: %v", where)
	}
	if _, err := f.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if _, err := unix.Preadv2(int(f.Fd()), [][]byte{b[:]}, 0, unix.RWF_NOWAIT); errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("the file system of the test folder does not support RWF_NOWAIT")
	}
	return f
}
