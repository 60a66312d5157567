package rightsfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/account"
	"sluice/internal/nettest"
	"sluice/internal/rightsfs"
	"sluice/internal/vfs"
)

// view returns a view of a tree with the files, whose content is their name, and the
// directory of the tree.
func view(t *testing.T, base account.Rights, paths map[string]account.Rights, files ...string) (*rightsfs.Tree, string) {
	t.Helper()
	dir := nettest.TempDir(t)
	for _, name := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return rightsfs.New(root.Writable(), base, pathsOf(t, paths)), dir
}

func pathsOf(t *testing.T, paths map[string]account.Rights) *account.Paths {
	t.Helper()
	var all []account.PathRights
	for name, rights := range paths {
		all = append(all, account.PathRights{Path: name, Rights: rights})
	}
	p, err := account.NewPaths(all...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// read returns what is read of a file: its content, "denied" or "absent".
func read(t *testing.T, v vfs.Tree, name string) string {
	t.Helper()
	f, err := v.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "absent"
	case errors.Is(err, fs.ErrPermission):
		return "denied"
	case err != nil:
		t.Fatal(err)
	}
	defer f.Close()
	content, _ := io.ReadAll(f)
	return string(content)
}

// names returns the names in a directory, or "absent". All ways to read one must agree.
func names(v vfs.Tree, dir string) string {
	if all, parts := joined(v.Entries(dir)), joined(inParts(v, dir, vfs.Everything)); all != parts {
		return "entries: " + all + ", in parts: " + parts
	}
	all, parts := joined(v.ReadDir(dir)), joined(inParts(v, dir, vfs.Openable))
	if all != parts {
		return all + ", in parts: " + parts
	}
	return all
}

func joined(infos []fs.FileInfo, err error) string {
	if err != nil {
		return "absent"
	}
	var all []string
	for _, info := range infos {
		all = append(all, info.Name())
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// inParts reads a directory by OpenDir.
func inParts(v vfs.Tree, name string, kind vfs.EntryKind) (all []fs.FileInfo, err error) {
	dir, err := vfs.OpenDir(v, name, kind)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	for {
		infos, err := dir.Next()
		if err == io.EOF { //nolint:errorlint // the bare value
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, infos...)
	}
}

func TestAViewHasWhatTheRightsShow(t *testing.T) {
	const r, l = account.Read, account.List
	v, _ := view(t, l|r, map[string]account.Rights{"/in": account.Create, "/hidden": 0, "/hidden/way/open": l | r, "/listed": l, "/known": r},
		"a", "in/x", "hidden/y", "hidden/way/z", "hidden/way/open/w", "listed/n", "known/k")
	for name, want := range map[string]string{
		"/a": "a", "/in/x": "absent", "/hidden/y": "absent", "/hidden/way/z": "absent", "/hidden/way/open/w": "hidden/way/open/w",
		"/listed/n": "denied", "/listed/none": "absent", "/known/k": "known/k", "/none": "absent",
	} {
		if got := read(t, v, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
		_, statErr := v.Stat(name)
		_, lstatErr := v.Lstat(name)
		_, entryErr := v.Entry(name)
		for _, err := range []error{statErr, lstatErr, entryErr} {
			if (err != nil) != (want == "absent") || err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := v.Readable(name); (err == nil) != (want != "absent" && want != "denied") {
			t.Errorf("Readable(%s) = %v", name, err)
		}
	}
	for dir, want := range map[string]string{
		"/": "a hidden in known listed", "/in": "", "/hidden": "way", "/hidden/way": "open", "/hidden/way/open": "w", "/listed": "n", "/known": "absent", "/none": "absent",
	} {
		if got := names(v, dir); got != want {
			t.Errorf("%s has %q, want %q", dir, got, want)
		}
		entries, err := v.Entries(dir)
		if want != "absent" && (err != nil || len(entries) != len(strings.Fields(want))) {
			t.Errorf("%s has the entries %v, %v", dir, entries, err)
		}
	}
	var walked []string
	if err := v.Walk("/", func(rel string, info fs.FileInfo, err error) error {
		if err != nil {
			t.Errorf("%s: %v", rel, err)
		}
		walked = append(walked, rel)
		return nil
	}); err != nil {
		t.Error(err)
	}
	if want := []string{"a", "hidden", "hidden/way", "hidden/way/open", "hidden/way/open/w", "in", "known", "listed", "listed/n"}; !slices.Equal(walked, want) {
		t.Errorf("walked %q, want %q", walked, want)
	}
}

// A path without any right, and without one below it, is in no listing.
func TestAPathWithoutRightsIsNotInTheListingOfItsParent(t *testing.T) {
	v, _ := view(t, account.ReadOnly, map[string]account.Rights{"/secret": 0}, "a", "secret/f")
	if got := names(v, "/"); got != "a" {
		t.Errorf("the root has %q", got)
	}
	if err := v.Walk("/secret", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Walk: %v", err)
	}
	if _, err := v.Free("/secret"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Free: %v", err)
	}
}

func TestALinkGivesNoRightToWhatItLeadsTo(t *testing.T) {
	v, dir := view(t, account.ReadOnly, map[string]account.Rights{"/secret": 0, "/pub": account.All}, "secret/f", "pub/g", "secret/dir/h")
	for link, target := range map[string]string{"pub/file": "../secret/f", "pub/dir": "../secret", "pub/chain": "dir/dir", "pub/fine": "g", "pub/dangling": "none", "way": "secret"} {
		if err := os.Symlink(target, filepath.Join(dir, filepath.FromSlash(link))); err != nil {
			t.Skip("no links here:", err)
		}
	}
	for name, want := range map[string]string{
		"/pub/file": "absent", "/pub/dir/f": "absent", "/pub/chain/h": "absent", "/pub/fine": "pub/g", "/way/f": "absent", "/way/dir/h": "absent", "/pub/g": "pub/g",
	} {
		if got := read(t, v, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"/pub/file", "/pub/dir", "/pub/dir/f", "/pub/dir/new", "/way", "/way/new"} {
		if got := v.RightsAt(name); got != 0 {
			t.Errorf("the rights at %s are %b", name, got)
		}
	}
	if got := names(v, "/pub"); got != "fine g" {
		t.Errorf("/pub has %q", got)
	}
	entries, err := v.Entries("/pub")
	if err != nil || len(entries) != 3 { // with the dangling link
		t.Errorf("/pub has the entries %v, %v", entries, err)
	}
	if got := names(v, "/"); got != "pub" {
		t.Errorf("the root has %q", got)
	}
}

// On a file system where capital letters do not matter, and through another name of the
// same directory, a path has the same rights.
func TestAPathIsFoundUnderEveryNameOfItsDirectory(t *testing.T) {
	v, dir := view(t, account.ReadOnly, map[string]account.Rights{"/secret": 0}, "secret/f")
	if _, err := os.Stat(filepath.Join(dir, "SECRET")); err != nil {
		t.Skip("capital letters matter here")
	}
	for _, name := range []string{"/SECRET", "/SECRET/f", "/Secret/F"} {
		if got := read(t, v, name); got != "absent" {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestOfAnotherFileSystemAllSpellingsOfAPathHaveItsRights(t *testing.T) {
	fsys := afero.NewMemMapFs()
	for _, name := range []string{"/secret/f", "/SECRET/f", "/other/f"} {
		if err := afero.WriteFile(fsys, name, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	v := rightsfs.New(vfs.Of(fsys), account.ReadOnly, pathsOf(t, map[string]account.Rights{"/secret": 0}))
	for name, want := range map[string]string{"/SECRET/f": "absent", "/secret/f": "absent", "/other/f": "/other/f"} {
		if got := read(t, v, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := names(v, "/"); got != "other" {
		t.Errorf("the root has %q", got)
	}
	deep := rightsfs.New(vfs.Of(fsys), account.All, pathsOf(t, map[string]account.Rights{"/secret/f": 0}))
	for name, want := range map[string]account.Rights{"/SECRET": 0, "/secret": 0, "/Secret/F": 0, "/other": account.All &^ account.Link} {
		if got := deep.RightsBelow(name); got != want {
			t.Errorf("the rights below %s are %b, want %b", name, got, want)
		}
	}
}

func TestAViewChangesNothing(t *testing.T) {
	v, _ := view(t, account.All, map[string]account.Rights{"/x": 0}, "f")
	_, createErr := v.Create("/n")
	_, openErr := v.OpenFile("/f", os.O_RDWR, 0)
	for i, err := range []error{
		createErr, openErr, v.Mkdir("/d", 0o755), v.MkdirAll("/d", 0o755), v.Remove("/f"), v.RemoveDir("/f"), v.RemoveAll("/f"),
		v.Rename("/f", "/g"), v.Chmod("/f", 0), v.Chown("/f", 0, 0), v.Symlink("/f", "/l"),
	} {
		if !errors.Is(err, vfs.ErrReadOnly) {
			t.Errorf("change %d: %v", i, err)
		}
	}
	if got := read(t, v, "/f"); got != "f" {
		t.Errorf("the file has %q", got)
	}
}
