package vfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// list formats the result of ReadDir: names separated by spaces, with a slash after a directory.
func list(infos []fs.FileInfo) string {
	var words []string
	for _, fi := range infos {
		word := fi.Name()
		if fi.IsDir() {
			word += "/"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestReadDirListsFilesThatCanBeOpened(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		tree := opener(t, filepath.Join(fixture(t), "root"))
		tests := []struct{ name, path, want string }{
			{
				"the root, without loops, dangling links and links to the outside", "/",
				"dir/ etc/ here/ plain relative relative-dir/ spare",
			},
			{"a directory, with a link to its parent", "dir", "file up"},
			{"a directory through a link", "here/relative-dir", "file up"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				infos, err := tree.ReadDir(tt.path)
				if got := list(infos); got != tt.want || err != nil {
					t.Errorf("got %s, %v, want %s", got, err, tt.want)
				}
				for _, fi := range infos {
					if !fi.IsDir() && (!fi.Mode().IsRegular() || fi.Size() != int64(len("inside"))) {
						t.Errorf("%s: got %v, %v bytes, want the target of the link", fi.Name(), fi.Mode(), fi.Size())
					}
				}
			})
		}
	})
}

func TestReadDirOfAFileIsAnError(t *testing.T) {
	t.Parallel()
	tree := openTree(t, filepath.Join(fixture(t), "root"))
	for _, name := range []string{"plain", "relative", "plain/x"} {
		if infos, err := tree.ReadDir(name); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("ReadDir(%s): got %v, %v, want %v", name, infos, err, syscall.ENOTDIR)
		}
	}
}

func TestReadDirOfAnEmptyDirectory(t *testing.T) {
	t.Parallel()
	tree := openTree(t, nettest.TempDir(t))
	if infos, err := tree.ReadDir(""); len(infos) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing", infos, err)
	}
}

func TestReadDirSortsByName(t *testing.T) {
	t.Parallel()
	const n = 2000
	dir := nettest.TempDir(t)
	var want []string
	for i := range n {
		name := fmt.Sprintf("%x", i*7919%n) // a permutation: 7919 is prime
		want = append(want, name)
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	infos, err := openTree(t, dir).ReadDir("/")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := list(infos), strings.Join(want, " "); got != want {
		t.Errorf("got %d entries, unsorted or incomplete: %s", len(infos), got)
	}
}

func TestReadDirSkipsVanishedEntries(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		tree := opener(t, filepath.Join(fixture(t), "root"))
		infos, err := vfs.Describe(tree, "dir", []string{"../plain", "before", "file", "gone", "up", "\x00"})
		if got, want := list(infos), "file up"; got != want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	})
}

func TestReadDirAgreesWithPackageOS(t *testing.T) {
	t.Parallel()
	host := fixture(t)
	plant(t, host, map[string]string{"root/private": "x", "root/sticky/": "", "root/set-id": "x"})
	for name, mode := range map[string]fs.FileMode{
		"private": 0o600, "sticky": 0o755 | fs.ModeSticky, "set-id": 0o755 | fs.ModeSetuid | fs.ModeSetgid,
	} {
		if err := os.Chmod(filepath.Join(host, "root", name), mode); err != nil {
			t.Fatal(err)
		}
	}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		tree := opener(t, filepath.Join(host, "root"))
		infos, err := tree.ReadDir("/")
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range infos {
			want, err := os.Stat(filepath.Join(host, "root", got.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if g, w := fs.FormatFileInfo(got), fs.FormatFileInfo(want); g != w {
				t.Errorf("got %s, want %s", g, w)
			}
			if !got.ModTime().Equal(want.ModTime()) {
				t.Errorf("%s: got %v, want %v", got.Name(), got.ModTime(), want.ModTime())
			}
		}
	})
}

func TestReadDirWhileEntriesComeAndGo(t *testing.T) {
	t.Parallel()
	dir := nettest.TempDir(t)
	plant(t, dir, map[string]string{"a": "", "m": "", "z": ""})
	tree := openTree(t, dir)
	done := make(chan struct{})
	var churn sync.WaitGroup
	churn.Go(func() {
		for i := 0; ; i = (i + 1) % 50 {
			select {
			case <-done:
				return
			default:
			}
			name := filepath.Join(dir, fmt.Sprintf("n%d", i))
			if err := os.WriteFile(name, nil, 0o644); err != nil {
				t.Error(err)
				return
			}
			if err := os.Remove(name); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 500 {
		infos, err := tree.ReadDir("/")
		if err != nil {
			t.Error(err)
			break
		}
		stable := slices.DeleteFunc(infos, func(fi fs.FileInfo) bool { return fi.Name()[0] == 'n' })
		if got, want := list(stable), "a m z"; got != want {
			t.Errorf("got %s, want %s", got, want)
			break
		}
	}
	close(done)
	churn.Wait()
}
