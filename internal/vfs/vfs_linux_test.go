package vfs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"sluice/internal/vfs"
)

func TestDeviceIsRefused(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can make device nodes")
	}
	probe := filepath.Join(t.TempDir(), "null")
	if err := unix.Mknod(probe, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); errors.Is(err, unix.EPERM) {
		t.Skipf("this container may not make device nodes: %v", err)
	}
	refusesSpecial(t, "Dc---------", func(t *testing.T, path string) {
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
			t.Fatal(err)
		}
	})
}

// The kernel resolves the magic links of /proc without regard to their text.
func TestMagicLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	host := fixture(t)
	name := filepath.Join(host, "outside", "SECRET")
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	up := strings.Repeat("../", strings.Count(host, "/")+1)
	symlink(t, up+"proc/self/root"+host, filepath.Join(host, "root", "magic"))
	self := fmt.Sprintf("/proc/%d", os.Getpid()) // /proc/self is an ordinary link
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		tests := []struct{ name, dir, path string }{
			{"root", self, "root" + name},
			{"cwd", self, "cwd/vfs.go"},
			{"a descriptor", self, fmt.Sprintf("fd/%d", f.Fd())},
			{"exe", self, "exe"},
			{"through a link", "/", host + "/root/magic/outside/SECRET"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				got, err := content(opener(t, tt.dir), tt.path)
				if !errors.Is(err, unix.ELOOP) && !errors.Is(err, vfs.ErrOutside) {
					t.Errorf("got %d bytes, %v, want %v or %v", len(got), err, unix.ELOOP, vfs.ErrOutside)
				}
			})
		}
	})
}

func TestNumberOfLinksIsLimited(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, map[string]string{"0": "inside"})
	for i := 1; i <= 50; i++ {
		symlink(t, fmt.Sprint(i-1), filepath.Join(dir, fmt.Sprint(i)))
	}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		tree := opener(t, dir)
		for links, want := range map[int]error{8: nil, 41: unix.ELOOP} {
			if _, err := content(tree, fmt.Sprint(links)); !errors.Is(err, want) {
				t.Errorf("open through %d links: got %v, want %v", links, err, want)
			}
			if _, err := tree.Stat(fmt.Sprint(links)); !errors.Is(err, want) {
				t.Errorf("stat through %d links: got %v, want %v", links, err, want)
			}
		}
		if got, err := content(tree, "40"); vfs.UsesOpenat2(tree) && (got != "inside" || err != nil) {
			t.Errorf("openat2 through 40 links: got %q, %v, want %q", got, err, "inside")
		}
	})
}

// Without O_NONBLOCK the open would wait for the holder of the lease, up to /proc/sys/fs/lease-break-time seconds.
func TestOpenOfALeasedFileDoesNotWait(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		dir := t.TempDir()
		plant(t, dir, map[string]string{"f": "inside"})
		holder, err := os.Open(filepath.Join(dir, "f"))
		if err != nil {
			t.Fatal(err)
		}
		defer holder.Close()
		if _, err := unix.FcntlInt(holder.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
			t.Skipf("this file system has no leases: %v", err)
		}
		tree := opener(t, dir).Writable()
		atOnce(t, func() {
			if _, err := tree.File("f", os.O_RDWR, 0); !errors.Is(err, unix.EAGAIN) {
				t.Errorf("got %v, want %v", err, unix.EAGAIN)
			}
		})
	})
}

func TestFilesWorkWithSendfileAndSplice(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		dir := t.TempDir()
		plant(t, dir, map[string]string{"f": "0123456789"})
		f, err := opener(t, dir).File("f", os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()

		socks, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(socks[0])
		defer unix.Close(socks[1])
		buf := make([]byte, 16)
		off := int64(2)
		if n, err := unix.Sendfile(socks[0], int(f.Fd()), &off, 5); n != 5 || err != nil {
			t.Fatalf("sendfile: got %v, %v, want 5", n, err)
		}
		if n, err := unix.Read(socks[1], buf); err != nil || string(buf[:n]) != "23456" {
			t.Errorf("after sendfile: got %q, %v, want %q", buf[:max(n, 0)], err, "23456")
		}

		var pipe [2]int
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(pipe[0])
		defer unix.Close(pipe[1])
		off = 6
		if n, err := unix.Splice(int(f.Fd()), &off, pipe[1], nil, 4, 0); n != 4 || err != nil {
			t.Fatalf("splice: got %v, %v, want 4", n, err)
		}
		if n, err := unix.Read(pipe[0], buf); err != nil || string(buf[:n]) != "6789" {
			t.Errorf("after splice: got %q, %v, want %q", buf[:max(n, 0)], err, "6789")
		}
	})
}

// httpd makes entity tags of the inode and its time of change.
func TestReadDirHasTheSysOfPackageOS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, map[string]string{"f": "inside", "d/": "", "link": "-> f"})
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		infos, err := opener(t, dir).ReadDir("/")
		if err != nil || len(infos) != 3 {
			t.Fatalf("got %s, %v, want three entries", list(infos), err)
		}
		for _, fi := range infos {
			want, err := os.Stat(filepath.Join(dir, fi.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Sys(), fi.Sys()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", fi.Name(), diff)
			}
		}
	})
}
