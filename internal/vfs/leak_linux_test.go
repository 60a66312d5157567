package vfs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/vfs"
)

// Not parallel, because other tests open descriptors.
func TestNoDescriptorIsLeaked(t *testing.T) {
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		host := fixture(t)
		root := filepath.Join(host, "root")
		if err := unix.Mkfifo(filepath.Join(root, "fifo"), 0o666); err != nil {
			t.Fatal(err)
		}
		before := descriptors(t)
		tree := opener(t, root)
		held := descriptors(t)
		names := []string{
			"missing", "plain/x", "to-file", "to-dir/SECRET", "absolute", "loop", "self/x", "fifo", "fifo/x",
			"plain\x00", strings.Repeat("x", 300), "dir/file", "relative", "/",
		}
		for range 20 {
			for _, m := range methods() {
				if m.writes {
					_, _ = m.do(tree, "dir/file") // refused, because the view is read-only
					continue
				}
				for _, name := range names {
					_, _ = m.do(tree, name)
				}
			}
			for _, name := range names[:len(names)-3] {
				for _, flag := range []int{os.O_WRONLY, os.O_WRONLY | os.O_APPEND} {
					if f, err := tree.Writable().File(name, flag, 0); err == nil {
						t.Errorf("opened %s", f.Name())
					}
				}
			}
		}
		if after := descriptors(t); after != held {
			t.Errorf("after many calls: got %d descriptors, want %d", after, held)
		}
		if err := tree.Close(); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			for _, name := range []string{"missing", "plain", "fifo"} {
				if _, err := vfs.Open(filepath.Join(root, name)); err == nil {
					t.Errorf("opened %s", name)
				}
			}
		}
		if after := descriptors(t); after != before {
			t.Errorf("after Close: got %d descriptors, want %d", after, before)
		}
	})
}

// descriptors returns the number of open descriptors of the process.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
