package vfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// moves are renames in a tree in which d/e/f is a file and d/x a directory. links are texts of links by name.
var moves = []struct {
	name     string
	links    map[string]string
	from, to string
	want     error
}{
	{"a link up, out of the tree", map[string]string{"d/e/l": "../../f"}, "d/e/l", "l", vfs.ErrLeadsOut},
	{"a link up, within the tree", map[string]string{"d/e/l": "../x"}, "d/e/l", "d/l", nil}, // which leads nowhere then
	{"a link up, to a name in the same directory", map[string]string{"d/e/l": "f"}, "d/e/l", "l", nil},
	{"a link down", map[string]string{"l": "d/x"}, "l", "d/e/l", nil},
	{"a link that leads nowhere", map[string]string{"d/l": "missing"}, "d/l", "l", nil},
	{"a link that leads nowhere out of the tree", map[string]string{"d/l": "../missing"}, "d/l", "l", vfs.ErrLeadsOut},
	{"a link through a missing name", map[string]string{"d/l": "missing/../../x"}, "d/l", "l", vfs.ErrLeadsOut},
	{"a link to the root", map[string]string{"d/l": ".."}, "d/l", "l", vfs.ErrLeadsOut},
	{"an absolute link", map[string]string{"d/l": "/etc/passwd"}, "d/l", "l", vfs.ErrLeadsOut},
	{"an absolute link, to another name in the same directory", map[string]string{"d/l": "/etc/passwd"}, "d/l", "d/m", nil},
	{"a link that leads out, to another name in the same directory", map[string]string{"d/l": "../../x"}, "d/l", "d/m", nil},
	{"a link through a link to a directory", map[string]string{"d/e/up": "../..", "d/e/l": "../../d"}, "d/e/l", "d/e/up/l", vfs.ErrLeadsOut},
	{"a link in the same directory, through a link to that directory", map[string]string{"e": "d/e", "d/e/l": "../../d"}, "d/e/l", "e/m", nil},
	{"a link away from a link that leads out", map[string]string{"out": "../..", "d/l": "../out/x"}, "d/l", "d/e/l", nil}, // d/out does not exist
	{"a link to a directory with a link of that name that leads out", map[string]string{"d/out": "../..", "l": "out"}, "l", "d/l", vfs.ErrLeadsOut},
	{"a link to itself", map[string]string{"d/l": "l"}, "d/l", "l", nil}, // which cannot be followed
	{"a file", nil, "d/e/f", "f", nil},

	{"a directory up, with a link out of it", map[string]string{"d/e/l": "../../f"}, "d/e", "e", vfs.ErrLeadsOut},
	{"a directory up, with a link deep in it", map[string]string{"d/e/g/h/l": "../../../../f"}, "d/e", "e", vfs.ErrLeadsOut},
	{"a directory up, with a link to what it holds", map[string]string{"d/e/l": "f", "d/e/g/l": "../f"}, "d/e", "e", nil},
	{"a directory up, with a link that stays in the tree", map[string]string{"d/e/g/l": "../../x"}, "d/e", "e", nil},
	{"a directory up, with an absolute link", map[string]string{"d/e/l": "/etc/passwd"}, "d/e", "e", nil}, // the move does not change where it leads
	{"a directory up, with a link to that", map[string]string{"d/e/l": "/etc/passwd", "d/e/m": "l"}, "d/e", "e", nil},
	{"a directory up, with a link that came back", map[string]string{"d/e/l": "../e/f"}, "d/e", "e", nil},
	{"a directory down", map[string]string{"d/e/l": "../../f"}, "d/e", "d/x/e", nil},
	{"a directory to another name in the same directory", map[string]string{"d/e/l": "../../f"}, "d/e", "d/g", nil},
	{"a directory through a link", map[string]string{"d/x/up": "../..", "d/e/l": "../../f"}, "d/e", "d/x/up/e", vfs.ErrLeadsOut},
	{"a directory above the one with the link", map[string]string{"a/b/c/l": "../../../f"}, "a/b", "b", vfs.ErrLeadsOut},
}

// faults-trust.md, T17.
func TestRenameMakesNoLinkLeadOut(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	for _, tt := range moves {
		t.Run(tt.name, func(t *testing.T) {
			for name, move := range map[string]func(dir string) error{
				"a Root": func(dir string) error { return openTree(t, dir).Writable().Rename(tt.from, tt.to) },
				"a home": func(dir string) error { // its links must not lead into the tree around it either
					home, err := openTree(t, filepath.Dir(dir)).Writable().Sub(filepath.Base(dir))
					if err != nil {
						t.Fatal(err)
					}
					defer home.Close()
					return home.Rename(tt.from, tt.to)
				},
				"another file system": func(dir string) error {
					return vfs.Of(afero.NewBasePathFs(afero.NewOsFs(), dir)).Rename(tt.from, tt.to)
				},
			} {
				dir := filepath.Join(nettest.TempDir(t), "tree")
				plant(t, dir, map[string]string{"d/e/f": "content", "d/x/": ""})
				for link, target := range tt.links {
					plantLink(t, filepath.Join(dir, link), target)
				}
				err := move(dir)
				if !errors.Is(err, tt.want) {
					t.Errorf("%s: %s to %s: %v, want %v", name, tt.from, tt.to, err, tt.want)
				}
				_, err = os.Lstat(filepath.Join(dir, tt.from))
				if exists := err == nil; exists != (tt.want != nil) {
					t.Errorf("%s: %s exists afterwards: %v", name, tt.from, exists)
				}
			}
		})
	}
}

// plantLink makes a link and its missing parents.
func plantLink(t *testing.T, name, target string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.FromSlash(target), name); err != nil {
		t.Fatal(err)
	}
}

// The path of the new link goes through another link, and its real directory is nearer to the root than its name.
func TestLinkMadeThroughALinkLeadsToItsTarget(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	dir := nettest.TempDir(t)
	plant(t, dir, map[string]string{"etc/passwd": "of the tree", "a/b/": "", "deep/x/y/": ""})
	tree := openTree(t, dir).Writable()
	for _, link := range [][2]string{{"/", "a/b/top"}, {"/etc/passwd", "a/b/top/l"}, {"deep/x/y", "near"}, {"/etc/passwd", "near/l"}} {
		if err := tree.Symlink(link[0], link[1]); err != nil {
			t.Fatalf("%s to %s: %v", link[1], link[0], err)
		}
	}
	for name, want := range map[string]string{"l": "etc/passwd", "deep/x/y/l": "../../../etc/passwd"} {
		if got, err := os.Readlink(filepath.Join(dir, name)); filepath.ToSlash(got) != want {
			t.Errorf("%s holds %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestSymlinkMakesNoLinkThatLeadsOutThroughAnother(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	dir := nettest.TempDir(t)
	plant(t, dir, map[string]string{"d/": ""})
	plantLink(t, filepath.Join(dir, "out"), "..")
	tree := openTree(t, dir).Writable()
	for _, target := range []string{"out", "out/x"} {
		if err := tree.Symlink(target, "d/l"); !errors.Is(err, vfs.ErrLeadsOut) {
			t.Errorf("to %s: %v, want %v", target, err, vfs.ErrLeadsOut)
		}
	}
	if err := tree.Symlink("d", "out/l"); !errors.Is(err, vfs.ErrOutside) {
		t.Errorf("out of the tree: %v, want %v", err, vfs.ErrOutside)
	}
	if err := tree.Symlink("d", "missing/l"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a missing directory: %v, want %v", err, fs.ErrNotExist)
	}
}

func TestDirectoryWithTooManyEntriesIsNotMovedUp(t *testing.T) {
	needsLinks(t)
	defer vfs.SetMaxSearched(10)()
	dir := nettest.TempDir(t)
	files := map[string]string{"a/": "", "a/b/": ""}
	for i := range 11 {
		files[fmt.Sprintf("a/full/%d", i)] = ""
	}
	plant(t, dir, files)
	tree := openTree(t, dir).Writable()
	if err := tree.Rename("a/full", "full"); !errors.Is(err, vfs.ErrTooManyEntries) {
		t.Errorf("up: %v, want %v", err, vfs.ErrTooManyEntries)
	}
	for _, move := range [][2]string{{"a/full", "a/other"}, {"a/other", "a/b/full"}} { // not nearer to the root
		if err := tree.Rename(move[0], move[1]); err != nil {
			t.Errorf("%s to %s: %v", move[0], move[1], err)
		}
	}
}

// A link is made while its directory is moved up: the later call of the two must see the result of the other.
func TestLinkMadeDuringAMoveDoesNotLeadOut(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	dir := nettest.TempDir(t)
	plant(t, dir, map[string]string{"f": ""})
	tree := openTree(t, dir).Writable()
	for i := range 200 {
		deep, up := fmt.Sprintf("a%d/b/c", i), fmt.Sprintf("c%d", i)
		if err := tree.MkdirAll(deep, 0o755); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() { _ = tree.Symlink("f", deep+"/l") })
		both.Go(func() { _ = tree.Rename(deep, up) })
		both.Wait()
		if target, err := os.Readlink(filepath.Join(dir, up, "l")); err == nil && target != filepath.FromSlash("../f") {
			t.Fatalf("%s/l leads to %s", up, target)
		}
	}
}
