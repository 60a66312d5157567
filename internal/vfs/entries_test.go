package vfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// entries formats the result of Entries, separated by commas.
func entries(infos []fs.FileInfo) string {
	var all []string
	for _, fi := range infos {
		all = append(all, described(fi))
	}
	return strings.Join(all, ", ")
}

// described formats the result of Entry: the name, and "/" after a directory, " -> TARGET" after a link, followed by "/"
// or "!" if the link leads to a directory or a file, or the type after a special file.
func described(fi fs.FileInfo) string {
	l, isLink := fi.(*vfs.Link)
	switch {
	case isLink && fi.Mode().Type() != fs.ModeSymlink:
		return fi.Name() + " is a *Link without the mode of a link"
	case isLink:
		text := fi.Name() + " -> " + l.Target
		switch {
		case l.End == nil:
		case l.End.IsDir():
			text += "/"
		case l.End.Mode().IsRegular():
			text += "!"
		}
		return text
	case fi.IsDir():
		return fi.Name() + "/"
	case fi.Mode().IsRegular():
		return fi.Name()
	}
	return fi.Name() + " " + fi.Mode().Type().String()
}

// inFixture are all entries in the root of the fixture. Links that lead out show no target.
const inFixture = "absolute -> , absolute-outside -> , chain -> , dangling -> missing, dir/, etc/, here -> ./, loop -> pool, " +
	"out-and-in -> , plain, pool -> loop, relative -> dir/file!, relative-dir -> dir/, self -> self, spare, to-dir -> , " +
	"to-file -> , to-nothing-outside -> , to-parent -> "

func TestEntriesListsEverything(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		tree := opener(t, filepath.Join(fixture(t), "root"))
		for _, tt := range []struct{ name, path, want string }{
			{"the root", "/", inFixture},
			{"a directory", "dir", "climb -> , file, up -> ../plain!"},
			{"a directory through a link", "here/relative-dir", "climb -> , file, up -> ../plain!"},
		} {
			infos, err := tree.Entries(tt.path)
			if got := entries(infos); got != tt.want || err != nil {
				t.Errorf("%s:\n got %s, %v\nwant %s", tt.name, got, err, tt.want)
			}
			for _, fi := range infos {
				one, err := tree.Entry(tt.path + "/" + fi.Name())
				if err != nil || described(one) != described(fi) || one.Mode() != fi.Mode() || one.Size() != fi.Size() {
					t.Errorf("Entry(%s/%s) = %v, %v, want %v", tt.path, fi.Name(), one, err, fi)
				}
			}
		}
	})
}

func TestEntryDescribesALinkAndItsTarget(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	dir := nettest.TempDir(t)
	plant(t, dir, map[string]string{"f": "six...", "l": "-> m", "m": "-> f"})
	own, err := os.Lstat(filepath.Join(dir, "l"))
	if err != nil {
		t.Fatal(err)
	}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		fi, err := opener(t, dir).Entry("l")
		if err != nil {
			t.Fatal(err)
		}
		l, ok := fi.(*vfs.Link)
		if !ok || l.Mode() != own.Mode() || l.Target != "m" || l.End == nil || l.End.Size() != 6 || !l.End.Mode().IsRegular() {
			t.Errorf("got %+v, want a link of mode %v to a file of 6 bytes", fi, own.Mode())
		}
	})
}

// If an element of a link's text is missing, its resolution ends before the rest of the text is checked.
func TestUnresolvableTargetIsHiddenIfItsTextLeadsOut(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	for target, want := range map[string]string{
		"missing/../../../outside": "",
		"missing/../../f":          "missing/../../f",
		"../missing":               "../missing",
		"../../missing":            "",
		"f/../../../outside":       "",
		"loop/../../../outside":    "",
	} {
		dir := nettest.TempDir(t)
		plant(t, dir, map[string]string{"d/f": "", "d/l": "-> " + target, "d/loop": "-> loop"})
		backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
			fi, err := opener(t, dir).Entry("d/l")
			if err != nil {
				t.Fatal(err)
			}
			if l, ok := fi.(*vfs.Link); !ok || l.Target != want || l.End != nil {
				t.Errorf("%s: got %+v, want a link that leads nowhere and shows %q", target, fi, want)
			}
		})
	}
}

// A Sub is a tree of its own: files next to its directory are outside.
func TestLinkOutOfAHomeShowsNoTarget(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	dir := nettest.TempDir(t)
	plant(t, dir, map[string]string{"pub/f": "", "home/l": "-> ../pub/f", "home/m": "-> l", "home/in": "-> sub/../g", "home/g": "", "home/sub/": ""})
	for _, tree := range []vfs.Tree{openTree(t, dir), vfs.Of(afero.NewBasePathFs(afero.NewOsFs(), dir))} {
		home, done, err := vfs.Sub(tree, "home")
		if err != nil {
			t.Fatal(err)
		}
		infos, err := home.Entries("/")
		got := entries(infos)
		if _, isRoot := tree.(*vfs.Root); !isRoot {
			got = strings.ReplaceAll(got, " -> !", " -> ") // an adapter follows links out of its base; see Of
		}
		if want := "g, in -> sub/../g!, l -> , m -> , sub/"; got != want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", tree.Name(), got, err, want)
		}
		done()
	}
}

func TestLinksOfOtherFileSystems(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	root := filepath.Join(fixture(t), "root")
	followed := strings.NewReplacer(
		"absolute -> ,", "absolute -> !,", "absolute-outside -> ", "absolute-outside -> !", "chain -> ", "chain -> !",
		"out-and-in -> ", "out-and-in -> !", "to-dir -> ", "to-dir -> /", "to-file -> ", "to-file -> !", "to-parent -> ", "to-parent -> /",
		"loop -> pool", "loop -> ", "pool -> loop", "pool -> ", "self -> self", "self -> ",
	).Replace(inFixture)
	disk := afero.NewBasePathFs(afero.NewOsFs(), root)
	for _, tt := range []struct {
		name string
		fs   afero.Fs
		want string
	}{
		{"one that reads links", disk, followed},
		{"a wrapper of one that reads links", afero.NewReadOnlyFs(disk), followed},
		{"one with Lstat but without Readlink", struct {
			afero.Fs
			afero.Lstater
		}{disk, disk.(afero.Lstater)}, "relative -> !, relative-dir -> /"},
		{"one of package io/fs", afero.FromIOFS{FS: os.DirFS(root)}, "relative -> !, relative-dir -> /"},
	} {
		infos, err := vfs.Of(tt.fs).Entries("/")
		got := entries(infos)
		if err != nil || got != tt.want && !strings.Contains(got, tt.want) {
			t.Errorf("%s:\n got %s, %v\nwant %s", tt.name, got, err, tt.want)
		}
	}
	plain := vfs.Of(struct{ afero.Fs }{disk}) // no method but those of afero.Fs
	if fi, err := plain.Entry("relative-dir"); err != nil || described(fi) != "relative-dir/" {
		t.Errorf("one without links: got %v, %v, want the target", fi, err)
	}
	if _, err := plain.Entries("missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Entries(missing) = %v, want %v", err, fs.ErrNotExist)
	}
}
