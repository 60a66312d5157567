package vfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

func TestMethodsThatChangeTheTree(t *testing.T) {
	t.Parallel()
	on := func(method func(*vfs.Root, string) error) func(string) func(*vfs.Root) error {
		return func(name string) func(*vfs.Root) error {
			return func(tree *vfs.Root) error { return method(tree, name) }
		}
	}
	remove, removeDir, removeAll := on((*vfs.Root).Remove), on((*vfs.Root).RemoveDir), on((*vfs.Root).RemoveAll)
	mkdir := on(func(tree *vfs.Root, name string) error { return tree.Mkdir(name, 0o755) })
	mkdirAll := on(func(tree *vfs.Root, name string) error { return tree.MkdirAll(name, 0o755) })
	create := on(func(tree *vfs.Root, name string) error { return put(tree, name, os.O_WRONLY|os.O_CREATE, "x") })
	rename := func(oldname, newname string) func(*vfs.Root) error {
		return func(tree *vfs.Root) error { return tree.Rename(oldname, newname) }
	}
	tests := []struct {
		name string
		do   func(*vfs.Root) error
		want error
		gone string // a name that does not exist afterwards
		kept string // a name that does
	}{
		{"Remove removes a file", remove("dir/file"), nil, "dir/file", "dir"},
		{"Remove removes a link, not its target", remove("relative"), nil, "relative", "dir/file"},
		{"Remove removes a link to a directory", remove("relative-dir"), nil, "relative-dir", "dir/file"},
		{"Remove removes a link to the outside", remove("to-dir"), nil, "to-dir", ""},
		{"Remove removes a link to the root", remove("here"), nil, "here", "plain"},
		{"Remove refuses a directory", remove("empty"), syscall.EISDIR, "", "empty"},
		{"Remove refuses the root", remove("/"), syscall.EISDIR, "", "plain"},
		{"Remove reports a missing name", remove("missing"), fs.ErrNotExist, "", ""},
		{"RemoveDir removes an empty directory", removeDir("empty"), nil, "empty", ""},
		{"RemoveDir refuses a full directory", removeDir("dir"), errNotEmpty, "", "dir/file"},
		{"RemoveDir refuses a file", removeDir("plain"), syscall.ENOTDIR, "", "plain"},
		{"RemoveDir refuses a link to a directory", removeDir("relative-dir"), syscall.ENOTDIR, "", "relative-dir"},
		{"RemoveDir refuses a link to the root", removeDir("here/"), syscall.ENOTDIR, "", "here"},
		{"RemoveDir refuses the root", removeDir("/"), fs.ErrPermission, "", "plain"},
		{"RemoveDir refuses the root by dot dot", removeDir("dir/.."), fs.ErrPermission, "", "plain"},
		{"RemoveDir reports a missing name", removeDir("missing"), fs.ErrNotExist, "", ""},
		{"RemoveAll removes a directory that is not empty", removeAll("dir"), nil, "dir", "plain"},
		{"RemoveAll removes a link to the root", removeAll("here"), nil, "here", "plain"},
		{"RemoveAll accepts a missing name", removeAll("missing"), nil, "", "plain"},
		{"RemoveAll refuses the root", removeAll("/"), fs.ErrPermission, "", "plain"},
		{"RemoveAll refuses the root by dot dot", removeAll(".."), fs.ErrPermission, "", "plain"},
		{"Rename moves a file", rename("plain", "dir/new"), nil, "plain", "dir/new"},
		{"Rename moves a directory", rename("dir", "empty/dir"), nil, "dir", "empty/dir/file"},
		{"Rename moves a link, not its target", rename("relative", "new"), nil, "relative", "dir/file"},
		{"Rename replaces a file", rename("plain", "dir/file"), nil, "plain", "dir/file"},
		{"Rename refuses to replace a directory", rename("plain", "empty"), fs.ErrExist, "", "plain"},
		{"Rename refuses the root", rename("/", "new"), fs.ErrPermission, "new", "plain"},
		{"Rename refuses to replace the root", rename("dir", ".."), fs.ErrPermission, "", "dir/file"},
		{"Rename refuses to put a directory into itself", rename("dir", "dir/sub"), errIntoItself, "", "dir/file"},
		{"Rename reports a missing name", rename("missing", "new"), fs.ErrNotExist, "new", ""},
		{"Mkdir makes a directory", mkdir("empty/new"), nil, "", "empty/new"},
		{"Mkdir follows a link above the last element", mkdir("relative-dir/new"), nil, "", "dir/new"},
		{"Mkdir refuses an existing name", mkdir("plain"), fs.ErrExist, "", "plain"},
		{"Mkdir needs the parent", mkdir("a/b"), fs.ErrNotExist, "a", ""},
		{"MkdirAll makes the parents", mkdirAll("a/b/c"), nil, "", "a/b/c"},
		{"MkdirAll accepts an existing directory", mkdirAll("dir"), nil, "", "dir/file"},
		{"MkdirAll accepts the root", mkdirAll("/"), nil, "", "plain"},
		{"Create makes the target of a dangling link", create("dangling"), nil, "", "missing"},
	}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				if strings.Contains(tt.name, "link") {
					needsLinks(t)
				}
				host := fixture(t)
				plant(t, host, map[string]string{"root/empty/": ""})
				tree := opener(t, filepath.Join(host, "root")).Writable()
				err := tt.do(tree)
				if why := excuse(err); why != "" {
					t.Skip(why)
				}
				if !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if tt.gone != "" {
					if _, err := tree.Lstat(tt.gone); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%s afterwards: got %v, want %v", tt.gone, err, fs.ErrNotExist)
					}
				}
				if tt.kept != "" {
					if _, err := tree.Lstat(tt.kept); err != nil {
						t.Errorf("%s afterwards: got %v, want it there", tt.kept, err)
					}
				}
			})
		}
	})
}

func TestRenameErrorHasBothNames(t *testing.T) {
	t.Parallel()
	tree := openTree(t, nettest.TempDir(t)).Writable()
	err := tree.Rename("/a/../missing", "b//c")
	var linkErr *os.LinkError
	if !errors.As(err, &linkErr) || linkErr.Old != "/a/../missing" || linkErr.New != "b//c" {
		t.Errorf("got %#v, want an *os.LinkError with both names unchanged", err)
	}
}

func TestAttributesAreSetThroughLinks(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		tree := opener(t, filepath.Join(fixture(t), "root")).Writable()
		when := time.Unix(1234567890, 0)
		if err := tree.Chtimes("relative", time.Time{}, when); err != nil {
			t.Fatal(err)
		}
		fi, err := tree.Stat("dir/file")
		if err != nil {
			t.Fatal(err)
		}
		if got := fi.ModTime(); !got.Equal(when) {
			t.Errorf("time: got %v, want %v", got, when)
		}
		if runtime.GOOS == "windows" {
			return // Chmod acts on the link itself there (go.dev/issue/71492)
		}
		if err := tree.Chmod("relative", 0o640); err != nil {
			t.Fatal(err)
		}
		if fi, err = tree.Stat("dir/file"); err != nil {
			t.Fatal(err)
		}
		if got, want := fi.Mode(), fs.FileMode(0o640); got != want {
			t.Errorf("mode: got %v, want %v", got, want)
		}
	})
}

func TestReadOnlyViewChangesNothing(t *testing.T) {
	t.Parallel()
	names := []string{"plain", "dir", "relative", "missing", "to-file", "to-dir/SECRET", "/", "..", "self"}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		host := fixture(t)
		tree := opener(t, filepath.Join(host, "root"))
		before := snapshot(t, host)
		for _, m := range methods() {
			if !m.writes {
				continue
			}
			for _, name := range names {
				_, err := m.do(tree, name)
				if !errors.Is(err, vfs.ErrReadOnly) {
					t.Errorf("%s %s: got %v, want %v", m.name, name, err, vfs.ErrReadOnly)
				}
				checkError(t, err, name, host)
			}
		}
		for _, flag := range []int{os.O_WRONLY, os.O_RDWR, os.O_CREATE, os.O_TRUNC, os.O_APPEND, os.O_CREATE | os.O_EXCL} {
			f, err := tree.File("plain", flag, 0o644)
			if f != nil || !errors.Is(err, vfs.ErrReadOnly) {
				t.Errorf("flag %#x: got %v, %v, want %v", flag, f, err, vfs.ErrReadOnly)
			}
		}
		if after := snapshot(t, host); after != before {
			t.Errorf("the disk was changed: got\n%s\nwant\n%s", after, before)
		}
	})
}

func TestReadOnlyViewCanRead(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		tree := opener(t, filepath.Join(fixture(t), "root"))
		for _, m := range methods() {
			name := "plain"
			if m.name == "ReadDir" || m.name == "Entries" || m.name == "Walk" {
				name = "dir"
			}
			if m.writes {
				continue
			}
			if _, err := m.do(tree, name); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		}
	})
}
