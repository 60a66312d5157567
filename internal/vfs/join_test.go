package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// writableTree returns a writable Root with files; those whose names end in a slash are directories.
func writableTree(t *testing.T, files map[string]string) (*vfs.Root, string) {
	t.Helper()
	dir := nettest.TempDir(t)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch {
		case err != nil:
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, []byte(files[name]), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root.Writable(), dir
}

// memory returns a file system in memory with files.
func memory(t *testing.T, files map[string]string) vfs.Tree {
	t.Helper()
	fsys := afero.NewMemMapFs()
	for name, content := range files {
		if err := afero.WriteFile(fsys, "/"+name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return vfs.Of(fsys)
}

// joined is a tree with three places: one hides a directory of the main tree, one is in a directory that the main tree
// does not have, and one is in another one.
func joined(t *testing.T) (j *vfs.Joined, mainDir, releases string) {
	t.Helper()
	main, mainDir := writableTree(t, map[string]string{
		"a": "a of main", "releases/hidden": "hidden", "releases/sub/hidden": "hidden too", "docs/b": "b of main", "file": "a file",
	})
	one, releases := writableTree(t, map[string]string{"c": "c of releases", "d/e": "e of releases", "old/f": "hidden"})
	j, err := vfs.Join(main, map[string]vfs.Tree{
		"/releases":     one,
		"/far/away/mem": memory(t, map[string]string{"m": "m of memory"}),
		"/releases/old": memory(t, map[string]string{"o": "o of old"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return j, mainDir, releases
}

func TestANameOfAJoinedTreeBelongsToTheLongestPlace(t *testing.T) {
	j, _, _ := joined(t)
	for name, want := range map[string]string{
		"/a": "a of main", "a": "a of main", "/docs/b": "b of main", "/docs/../releases/c": "c of releases",
		"/releases/c": "c of releases", "//releases//d/./e": "e of releases", "/releases/old/o": "o of old",
		"/far/away/mem/m": "m of memory", "/releases/old/../c": "c of releases", "/releases/../a": "a of main",
	} {
		got, err := afero.ReadFile(j, name)
		if string(got) != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{
		"/releases/hidden", "/releases/sub/hidden", "/releases/old/f", "/far/away/m", "/releases2", "/far/away/mem/x", "/c",
	} {
		for what, call := range map[string]func(string) error{
			"stat":  func(name string) error { _, err := j.Stat(name); return err },
			"lstat": func(name string) error { _, err := j.Lstat(name); return err },
			"entry": func(name string) error { _, err := j.Entry(name); return err },
			"open":  func(name string) error { _, err := j.Open(name); return err },
			"read":  j.Readable,
		} {
			err := call(name)
			var e *fs.PathError
			if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &e) || e.Path != name {
				t.Errorf("%s %s: %v, want that it does not exist, under this name", what, name, err)
			}
		}
	}
}

// describe returns the names of entries, with a slash behind those of directories.
func describe(infos []fs.FileInfo) (names []string) {
	for _, info := range infos {
		name := info.Name()
		if info.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestPlacesAreInListings(t *testing.T) {
	j, _, _ := joined(t)
	for dir, want := range map[string][]string{
		"/":                 {"a", "docs/", "far/", "file", "releases/"},
		"/releases":         {"c", "d/", "old/"},
		"/releases/old":     {"o"},
		"/far":              {"away/"},
		"/far/away":         {"mem/"},
		"/far/away/mem":     {"m"},
		"/docs":             {"b"},
		"/docs/../releases": {"c", "d/", "old/"},
	} {
		for how, list := range map[string]func() ([]fs.FileInfo, error){
			"ReadDir": func() ([]fs.FileInfo, error) { return j.ReadDir(dir) },
			"Entries": func() ([]fs.FileInfo, error) { return j.Entries(dir) },
			"OpenDir": func() ([]fs.FileInfo, error) {
				infos, _, err := readAll(t, j, dir, vfs.Openable)
				return infos, err
			},
			"OpenDir of everything": func() ([]fs.FileInfo, error) {
				infos, _, err := readAll(t, j, dir, vfs.Everything)
				return infos, err
			},
			"afero.ReadDir":       func() ([]fs.FileInfo, error) { return afero.ReadDir(j, dir) },
			"Readdir, one by one": func() ([]fs.FileInfo, error) { return oneByOne(j, dir) },
		} {
			infos, err := list()
			if diff := cmp.Diff(want, describe(infos)); diff != "" || err != nil {
				t.Errorf("%s of %s: %v (-want +got)\n%s", how, dir, err, diff)
			}
		}
		if info, err := j.Stat(dir); err != nil || !info.IsDir() {
			t.Errorf("stat %s: %v, %v", dir, info, err)
		}
		if err := j.Readable(dir); err != nil {
			t.Errorf("%s is not readable: %v", dir, err)
		}
	}
	if info, err := j.Stat("/releases"); err != nil || info.Name() != "releases" {
		t.Errorf("a place: %v, %v, want the name releases", info, err)
	}
}

func oneByOne(j *vfs.Joined, dir string) (all []fs.FileInfo, err error) {
	f, err := j.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for {
		infos, err := f.Readdir(1)
		all = append(all, infos...)
		if err == io.EOF {
			return all, nil
		}
		if err != nil || len(infos) != 1 {
			return all, err
		}
	}
}

func TestAWalkPassesThroughPlaces(t *testing.T) {
	j, _, _ := joined(t)
	for top, want := range map[string][]string{
		"/": {
			"a", "docs/", "docs/b", "far/", "far/away/", "far/away/mem/", "far/away/mem/m", "file", "releases/", "releases/c",
			"releases/d/", "releases/d/e", "releases/old/", "releases/old/o",
		},
		"/releases": {"c", "d/", "d/e", "old/", "old/o"},
		"/far":      {"away/", "away/mem/", "away/mem/m"},
	} {
		var got []string
		err := j.Walk(top, func(name string, info fs.FileInfo, err error) error {
			if info.IsDir() {
				name += "/"
			}
			got = append(got, name)
			return err
		})
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", top, err, diff)
		}
	}
}

func TestFilesOfTheDiskStayFilesOfTheDisk(t *testing.T) {
	j, _, _ := joined(t)
	for name, want := range map[string]bool{"/a": true, "/releases/c": true, "/far/away/mem/m": false} {
		f, err := j.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := f.(*os.File); got != want {
			t.Errorf("%s is a %T", name, f)
		}
		_ = f.Close()
	}
	root, err := j.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, ok := vfs.OSFile(root); !ok {
		t.Error("the root, which has places, has no descriptor to sync it by")
	}
}

func TestNothingMovesBetweenTheTreesOfAJoinedOne(t *testing.T) {
	j, mainDir, releases := joined(t)
	for _, tt := range []struct {
		name string
		do   func() error
		want error
	}{
		{"rename into a place", func() error { return j.Rename("/a", "/releases/a") }, syscall.EXDEV},
		{"rename out of a place", func() error { return j.Rename("/releases/c", "/c") }, syscall.EXDEV},
		{"rename between places", func() error { return j.Rename("/releases/c", "/releases/old/c") }, syscall.EXDEV},
		{"rename a place", func() error { return j.Rename("/releases", "/r") }, fs.ErrPermission},
		{"rename what has a place in it", func() error { return j.Rename("/far", "/near") }, fs.ErrPermission},
		{"replace a place", func() error { return j.Rename("/a", "/releases") }, fs.ErrPermission},
		{"remove a place", func() error { return j.RemoveDir("/far/away/mem") }, fs.ErrPermission},
		{"remove a place as a file", func() error { return j.Remove("/releases") }, fs.ErrPermission},
		{"remove all of a place", func() error { return j.RemoveAll("/releases") }, fs.ErrPermission},
		{"remove all above a place", func() error { return j.RemoveAll("/far") }, fs.ErrPermission},
		{"remove all", func() error { return j.RemoveAll("/") }, fs.ErrPermission},
		{"make a directory where a place is", func() error { return j.Mkdir("/releases", 0o755) }, fs.ErrExist},
		{"make a directory that leads to a place", func() error { return j.Mkdir("/far/away", 0o755) }, fs.ErrExist},
		{"write to a place", func() error { _, err := j.Create("/releases"); return err }, syscall.EISDIR},
		{"write to the root", func() error { _, err := j.Create("/"); return err }, syscall.EISDIR},
		{"link into a place", func() error { return j.Symlink("/releases/c", "/link") }, syscall.EXDEV},
		{"link where a place is", func() error { return j.Symlink("/a", "/releases") }, fs.ErrExist},
		{"commit into a place", func() error { return j.CommitUpload("/a", "/releases/a", 0) }, syscall.EXDEV},
		{"rename in the main tree", func() error { return j.Rename("/a", "/a2") }, nil},
		{"rename in a place", func() error { return j.Rename("/releases/c", "/releases/d/c") }, nil},
		{"make a directory in a place", func() error { return j.Mkdir("/releases/new", 0o755) }, nil},
		{"make all directories of a place", func() error { return j.MkdirAll("/far/away/mem/x/y", 0o755) }, nil},
		{"make directories that are there", func() error { return j.MkdirAll("/far/away", 0o755) }, nil},
	} {
		if err := tt.do(); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	for _, name := range []string{filepath.Join(mainDir, "a2"), filepath.Join(mainDir, "releases", "hidden"), filepath.Join(releases, "d", "c")} {
		if _, err := os.Lstat(name); err != nil {
			t.Error(err)
		}
	}
	if noLinks() != "" {
		return
	}
	if err := j.Symlink("/releases/d/e", "/releases/link"); err != nil {
		t.Error(err)
	}
	if text, err := os.Readlink(filepath.Join(releases, "link")); filepath.ToSlash(text) != "d/e" || err != nil {
		t.Errorf("the link has %q, %v, want d/e", text, err)
	}
}

func TestAPartOfAJoinedTreeHasItsPlaces(t *testing.T) {
	j, _, _ := joined(t)
	for _, tt := range []struct{ dir, name, want string }{
		{"/releases", "/c", "c of releases"},
		{"/releases", "/old/o", "o of old"},
		{"/releases/d", "/e", "e of releases"},
		{"/releases/old", "/o", "o of old"},
		{"/far", "/away/mem/m", "m of memory"},
		{"/far/away/mem", "/m", "m of memory"},
		{"/docs", "/b", "b of main"},
		{"/", "/releases/c", "c of releases"},
	} {
		sub, done, err := vfs.Sub(j, tt.dir)
		if err != nil {
			t.Errorf("%s: %v", tt.dir, err)
			continue
		}
		if got, err := afero.ReadFile(sub, tt.name); string(got) != tt.want || err != nil {
			t.Errorf("%s of %s: %q, %v, want %q", tt.name, tt.dir, got, err, tt.want)
		}
		if _, err := sub.Stat("/../a"); !errors.Is(err, fs.ErrNotExist) && tt.dir != "/" {
			t.Errorf("%s: a name leads out of it: %v", tt.dir, err)
		}
		done()
	}
	for _, dir := range []string{"/none", "/a", "/releases/hidden"} {
		if _, _, err := vfs.Sub(j, dir); err == nil {
			t.Errorf("%s is a tree", dir)
		}
	}
}

// Two names in a joined tree are those of its trees, for locks, rights and caches.
func TestPlacesAndNamesWithoutLinksAreThoseOfTheTrees(t *testing.T) {
	j, _, releases := joined(t)
	if err := j.Symlink("/releases/d", "/releases/link"); err != nil {
		t.Skip("no links:", err)
	}
	if real, err := vfs.RealName(j, "/releases/link/e"); real != "/releases/d/e" || err != nil {
		t.Errorf("the name without links: %q, %v", real, err)
	}
	f, real, err := vfs.OpenReal(j, "/releases/link/e")
	if err != nil || real != "/releases/d/e" {
		t.Fatalf("opened %q, %v", real, err)
	}
	_ = f.Close()
	other, err := vfs.Open(releases)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	a, ok1 := vfs.PlaceOf(j, "/releases/link/e")
	b, ok2 := vfs.PlaceOf(other, "/d/e")
	if !ok1 || !ok2 || a != b {
		t.Errorf("the place is %v, want %v", a, b)
	}
	root, name, ok := vfs.RootOf(j, "/releases/c")
	if !ok || name != "/c" || root.Dir() != releases {
		t.Errorf("the Root of a file in a place: %v, %q, %v", root, name, ok)
	}
	for _, name := range []string{"/", "/far", "/far/away/mem/m", "/releases"} { // the last has a place in it
		if _, _, ok := vfs.RootOf(j, name); ok {
			t.Errorf("%s is said to be in a Root alone", name)
		}
	}
	if vfs.Of(j) != vfs.Tree(j) {
		t.Error("Of wraps it")
	}
}

func TestALinkStaysInItsTree(t *testing.T) {
	needsLinks(t)
	main, dir := writableTree(t, map[string]string{"releases/hidden": "hidden", "a": "a"})
	for name, target := range map[string]string{"out": "../../etc", "in": "releases/hidden"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	j, err := vfs.Join(main, map[string]vfs.Tree{"/releases": memory(t, map[string]string{"hidden": "of the place"})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Open("/out"); !errors.Is(err, vfs.ErrOutside) {
		t.Errorf("a link out of the tree: %v, want %v", err, vfs.ErrOutside)
	}
	if got, err := afero.ReadFile(j, "/in"); string(got) != "hidden" || err != nil {
		t.Errorf("a link to what a place hides: %q, %v, want what is documented", got, err)
	}
}

func TestPlacesThatCannotBe(t *testing.T) {
	main, _ := writableTree(t, map[string]string{"a": "a"})
	file := vfs.Of(afero.NewBasePathFs(afero.NewMemMapFs(), "/none"))
	for name, places := range map[string]map[string]vfs.Tree{
		"the root":                {"/": memory(t, nil)},
		"the root, as text":       {"/a/..": memory(t, nil)},
		"no slash":                {"a": memory(t, nil)},
		"a NUL":                   {"/a\x00": memory(t, nil)},
		"the same twice":          {"/a": memory(t, nil), "/a/": memory(t, nil)},
		"a tree that has no root": {"/b": file},
	} {
		if _, err := vfs.Join(main, places); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAJoinedTreeIsWritableIfAnyPartOfItIs(t *testing.T) {
	main, _ := writableTree(t, nil)
	readOnly, err := vfs.Open(main.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	for _, tt := range []struct {
		name        string
		main, place vfs.Tree
		want        bool
	}{
		{"all of it", main, main, true},
		{"the main tree", main, readOnly, true},
		{"the place", readOnly, main, true},
		{"nothing", readOnly, readOnly, false},
		{"a file system that does not say", readOnly, memory(t, nil), true},
	} {
		j, err := vfs.Join(tt.main, map[string]vfs.Tree{"/p": tt.place})
		if err != nil {
			t.Fatal(err)
		}
		if got := j.CanWrite(); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestMapReplacesTreesInTheirPlaces(t *testing.T) {
	down := memory(t, map[string]string{"f": "down"})
	j, err := vfs.Join(memory(t, map[string]string{"f": "main"}), map[string]vfs.Tree{"/a": memory(t, map[string]string{"f": "a"}), "/b/c": down})
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	mapped := j.Map(func(at string, tree vfs.Tree) vfs.Tree {
		places = append(places, at)
		if at == "/a" {
			return memory(t, map[string]string{"f": "new"})
		}
		return tree
	})
	slices.Sort(places)
	if want := []string{"/", "/a", "/b/c"}; !slices.Equal(places, want) {
		t.Errorf("the trees were in %q, want %q", places, want)
	}
	for name, want := range map[string]string{"/f": "main", "/a/f": "new", "/b/c/f": "down"} {
		if got, err := afero.ReadFile(mapped, name); string(got) != want || err != nil {
			t.Errorf("%s has %q, %v, want %q", name, got, err, want)
		}
	}
	if got, err := afero.ReadFile(j, "/a/f"); string(got) != "a" || err != nil {
		t.Errorf("before, /a/f has %q, %v", got, err)
	}
	if infos, err := mapped.ReadDir("/"); err != nil || len(infos) != 3 {
		t.Errorf("the root has %v, %v", infos, err)
	}
}
