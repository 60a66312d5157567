package vfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// secret is in the content of every file outside of the tree, and in the name of every entry there.
const secret = "SECRET"

// fixture makes the tree "root" and next to it the directory "outside", which no method may read or change. It returns
// their parent.
func fixture(t testing.TB) string {
	t.Helper()
	host := nettest.TempDir(t)
	plant(t, host, map[string]string{
		"outside/SECRET":          secret,
		"outside/sub/SECRET":      secret,
		"outside/SECRET-empty/":   "",
		"root/spare":              "inside",
		"root/plain":              "inside",
		"root/etc/passwd":         "inside",
		"root/dir/file":           "inside",
		"root/dir/climb":          "-> ../../outside/SECRET",
		"root/dir/up":             "-> ../plain",
		"root/to-file":            "-> ../outside/SECRET",
		"root/to-dir":             "-> ../outside",
		"root/to-nothing-outside": "-> ../outside/new",
		"root/to-parent":          "-> ..",
		"root/out-and-in":         "-> ../root/plain",
		"root/absolute":           "-> " + filepath.Join(host, "root", "plain"),
		"root/absolute-outside":   "-> " + filepath.Join(host, "outside", "SECRET"),
		"root/chain":              "-> dir/climb",
		"root/loop":               "-> pool",
		"root/pool":               "-> loop",
		"root/self":               "-> self",
		"root/here":               "-> .",
		"root/relative":           "-> dir/file",
		"root/relative-dir":       "-> dir",
		"root/dangling":           "-> missing",
	})
	return host
}

// snapshot describes everything beneath dir, to detect any change.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := os.Lstat(path)
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, path, fi.Mode(), fi.ModTime().UnixNano(), changed(fi))
		switch {
		case fi.Mode().IsRegular():
			content, err := os.ReadFile(path)
			fmt.Fprintf(&b, "%q\n", content)
			return err
		case fi.Mode().Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			fmt.Fprintf(&b, "-> %q\n", target)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestNoNameLeadsOut(t *testing.T) {
	t.Parallel()

	// The result is not checked; nothing outside may be read or changed.
	var anything error
	long := strings.Repeat("x", 256)
	tests := []struct {
		name      string
		path      string
		following error // of methods that follow a link in the last element
		acting    error // of the others
	}{
		{"dot dot", "..", anything, anything},
		{"several dot dots", "../..", anything, anything},
		{"dot dot and a name outside", "../outside/SECRET", anything, anything},
		{"rooted dot dot", "/../outside/SECRET", anything, anything},
		{"more dot dots than elements", "dir/../../outside/SECRET", anything, anything},
		{"dot dots to a file of the host", "a/../../../../../../../../../../etc/passwd", anything, anything},
		{"an absolute path of the host", "/etc/passwd", anything, anything},
		{"an absolute path with two slashes", "//etc/passwd", anything, anything},
		{"dot dot after a link to the outside", "to-dir/../outside/SECRET", anything, anything},
		{"backslashes", `..\outside\SECRET`, anything, anything},
		{"a drive", "C:/Windows", anything, anything},
		{"a newline", "a\nb", anything, anything},
		{"a name that is not UTF-8", "\xff\xfe", anything, anything},
		{"a link that loops through the root", "here/here/here/plain", anything, anything},
		{"a link to a file outside", "to-file", vfs.ErrOutside, anything},
		{"a link to a directory outside", "to-dir", vfs.ErrOutside, anything},
		{"a link to a name outside that does not exist", "to-nothing-outside", vfs.ErrOutside, anything},
		{"a link to the parent of the root", "to-parent", vfs.ErrOutside, anything},
		{"a link that leaves the root and returns", "out-and-in", vfs.ErrOutside, anything},
		{"an absolute link into the tree", "absolute", vfs.ErrOutside, anything},
		{"an absolute link to the outside", "absolute-outside", vfs.ErrOutside, anything},
		{"a link to a link to the outside", "chain", vfs.ErrOutside, anything},
		{"a link to the outside below the root", "dir/climb", vfs.ErrOutside, anything},
		{"a path through a link to the outside", "to-dir/SECRET", vfs.ErrOutside, vfs.ErrOutside},
		{"a longer path through a link to the outside", "to-dir/sub/SECRET", vfs.ErrOutside, vfs.ErrOutside},
		{"an empty directory behind a link to the outside", "to-dir/SECRET-empty", vfs.ErrOutside, vfs.ErrOutside},
		{"a new name behind a link to the outside", "to-dir/new", vfs.ErrOutside, vfs.ErrOutside},
		{"a new name far behind a link to the outside", "to-dir/new/newer", vfs.ErrOutside, vfs.ErrOutside},
		{"a path through a link to the parent of the root", "to-parent/outside/SECRET", vfs.ErrOutside, vfs.ErrOutside},
		{"a path through a link to the parent of the root and back", "to-parent/root/plain", vfs.ErrOutside, vfs.ErrOutside},
		{"a path through a link to the root and out", "here/to-dir/SECRET", vfs.ErrOutside, vfs.ErrOutside},
		{"a link to itself", "self", syscall.ELOOP, anything},
		{"a loop of links", "loop", syscall.ELOOP, anything},
		{"a path through a loop of links", "loop/x", syscall.ELOOP, syscall.ELOOP},
		{"a NUL byte", "plain\x00", fs.ErrInvalid, fs.ErrInvalid},
		{"a NUL byte before dot dots", "\x00/../../outside/SECRET", fs.ErrInvalid, fs.ErrInvalid},
		{"a very long element", long, syscall.ENAMETOOLONG, syscall.ENAMETOOLONG},
		{"a very long path", strings.Repeat(long[:200]+"/", 25) + "x", anything, anything},
	}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				if strings.Contains(tt.name, "link") {
					needsLinks(t)
				}
				if runtime.GOOS == "windows" && tt.following == syscall.ENAMETOOLONG { //nolint:errorlint // the value in the table
					t.Skip("Windows reports a long name as an invalid one")
				}
				if nettest.OnWine() && len(tt.path) > 4096 {
					t.Skip("wine makes directories that are too deep for it to remove")
				}
				for _, m := range methods() {
					t.Run(m.name, func(t *testing.T) {
						host := fixture(t)
						before := snapshot(t, filepath.Join(host, "outside"))
						tree := opener(t, filepath.Join(host, "root")).Writable()

						got, err := m.do(tree, tt.path)

						want := tt.acting
						if m.follows {
							want = tt.following
						}
						if want != anything && !errors.Is(err, want) { //nolint:errorlint // compares with nil
							t.Errorf("got %v, want %v", err, want)
						}
						if strings.Contains(got, secret) {
							t.Errorf("got %q from outside", got)
						}
						checkError(t, err, tt.path, host)
						if after := snapshot(t, filepath.Join(host, "outside")); after != before {
							t.Errorf("the outside was changed: got\n%s\nwant\n%s", after, before)
						}
					})
				}
			})
		}
	})
}

func TestLinksBeneathTheRootAreFollowed(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		tree := opener(t, filepath.Join(fixture(t), "root"))
		for _, name := range []string{"relative", "relative-dir/file", "dir/up", "here/here/relative", "relative-dir/up"} {
			if got, err := content(tree, name); got != "inside" || err != nil {
				t.Errorf("content of %s: got %q, %v, want %q", name, got, err, "inside")
			}
			fi, err := tree.Stat(name)
			if err != nil {
				t.Error(err)
				continue
			}
			if got, want := fi.Name(), filepath.Base(name); got != want || !fi.Mode().IsRegular() {
				t.Errorf("Stat(%s): got %v %v, want a regular file %v", name, fi.Mode(), got, want)
			}
		}
	})
}

func TestMissingNamesAreErrNotExist(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		tree := opener(t, filepath.Join(fixture(t), "root"))
		for _, name := range []string{"missing", "dir/missing", "missing/missing", "dangling"} {
			_, err := tree.Open(name)
			if !errors.Is(err, fs.ErrNotExist) || !os.IsNotExist(err) {
				t.Errorf("Open(%s): got %v, want %v", name, err, fs.ErrNotExist)
			}
			if _, err := tree.Stat(name); !os.IsNotExist(err) {
				t.Errorf("Stat(%s): got %v, want %v", name, err, fs.ErrNotExist)
			}
		}
	})
}
