package vfs_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/vfs"
)

// exchange swaps two names atomically.
func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

// A directory is swapped with a link to the outside while other goroutines use paths through it.
func TestSwappedDirectoryNeverLeadsOut(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		host := t.TempDir()
		plant(t, host, map[string]string{
			"outside/file":   secret,
			"outside/SECRET": secret,
			"outside/empty/": "",
			"root/swap/file": "inside",
			"root/link":      "-> ../outside",
			"root/spare":     "inside",
		})
		before := snapshot(t, filepath.Join(host, "outside"))
		tree := opener(t, filepath.Join(host, "root")).Writable()
		dir, link := filepath.Join(host, "root", "swap"), filepath.Join(host, "root", "link")

		done := make(chan struct{})
		var swapper, users sync.WaitGroup
		swapper.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := exchange(dir, link); err != nil {
					t.Error(err)
					return
				}
			}
		})
		for _, m := range methods() {
			users.Go(func() {
				var in, out int
				for range 300 {
					for _, name := range []string{"swap/file", "swap/new", "swap/empty", "swap"} {
						if m.writes && name == "swap" {
							continue // would remove the directory, or its permissions
						}
						got, err := m.do(tree, name)
						if strings.Contains(got, secret) {
							t.Errorf("%s %s: got %q from outside", m.name, name, got)
						}
						checkError(t, err, name, host)
						if errors.Is(err, vfs.ErrOutside) {
							out++
						} else {
							in++
						}
					}
				}
				t.Logf("%s: %d times inside, %d times refused", m.name, in, out)
			})
		}
		users.Wait()
		close(done)
		swapper.Wait()
		if after := snapshot(t, filepath.Join(host, "outside")); after != before {
			t.Errorf("the outside was changed: got\n%s\nwant\n%s", after, before)
		}
	})
}

// While anything on the machine is renamed, the kernel cannot decide whether ".." stays in the tree, and returns EAGAIN.
func TestOpenThroughDotDotWhileOthersRename(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		dir := t.TempDir()
		plant(t, dir, map[string]string{"file": "inside", "d/up": "-> ../file", "a/": "", "b/": ""})
		tree := opener(t, dir)
		done := make(chan struct{})
		var renamer sync.WaitGroup
		renamer.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := exchange(filepath.Join(dir, "a"), filepath.Join(dir, "b")); err != nil {
					t.Error(err)
					return
				}
			}
		})
		for range 5000 {
			if got, err := content(tree, "d/up"); got != "inside" || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, "inside")
				break
			}
		}
		close(done)
		renamer.Wait()
	})
}
