package mounts

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

func TestParseMountInfo(t *testing.T) {
	got := parseMountInfo([]byte(`22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/root rw
36 22 0:32 / /mnt/with\040a\040blank rw - fuse.sshfs a@b: rw
37 22 0:33 / /mnt/back\134slash rw shared:1 master:2 - nfs4 host:/x soft,vers=4.2
38 22 0:34 / /short rw

broken
`))
	want := []entry{
		{"/", "22", FileSystem{"/", "ext4", "/dev/root", "rw,relatime,rw"}},
		{"/mnt/with a blank", "36", FileSystem{"/mnt/with a blank", "fuse.sshfs", "a@b:", "rw,rw"}},
		{`/mnt/back\slash`, "37", FileSystem{`/mnt/back\slash`, "nfs4", "host:/x", "rw,soft,vers=4.2"}},
		{"/short", "38", FileSystem{Point: "/short"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{})); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
}

func TestTheKernelReportsAMount(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may mount")
	}
	s := newSource().(*mountInfo)
	before := s.read()
	if len(before) == 0 {
		t.Skip("there is no /proc")
	}
	defer s.file.Close()
	dir := filepath.Join(nettest.TempDir(t), "a blank")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("test", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Skip("no mount:", err)
	}
	mounted := true
	defer func() {
		if mounted {
			_ = unix.Unmount(dir, unix.MNT_DETACH)
		}
	}()
	if !s.changed() {
		t.Error("the mount was not reported")
	}
	has := func() (found bool) {
		for _, e := range s.read() {
			found = found || e.point == dir
		}
		return found
	}
	if !has() {
		t.Error("the mount is not in the list")
	}
	if err := unix.Unmount(dir, 0); err != nil {
		t.Fatal(err)
	}
	mounted = false
	if !s.changed() || has() {
		t.Error("the end of the mount was not reported")
	}
}

func TestWithoutAListAllIsOneMount(t *testing.T) {
	s := &mountInfo{name: filepath.Join(t.TempDir(), "none")}
	if s.changed() || s.read() != nil {
		t.Error("a list that does not exist has entries")
	}
}

func TestAnOpenFileIsOnTheMountThatTheKernelNames(t *testing.T) {
	dir := filepath.Join(nettest.TempDir(t), "mnt")
	nettest.MountFUSE(t, dir)
	file, err := os.Open(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	process.refresh()
	if _, ok := mountID(file); !ok {
		t.Skip("the kernel has no numbers of mounts")
	}
	if got := OfFile(file).Point(); got != dir {
		t.Errorf("got %q, want %q", got, dir)
	}
	if what, ok := Describe(dir); !ok || what.Type != "fuse" || what.Source != "test" {
		t.Errorf("it is described as %+v, %v", what, ok)
	}
}
