package upload_test

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/partial"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// In afero's gcsfs, for example, all files have one mode.
func TestFileIsReplacedIfChmodFails(t *testing.T) {
	for _, tt := range []struct {
		name string
		mode fs.FileMode // of the old file
		want error
	}{
		{"and the new file has the same mode", 0o644, nil},
		{"but not if others could read the new file", 0o600, errFault},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree, plain := hook(t, without("old"), func(_ vfs.Tree, call, _ string) error {
				if call == "chmod" {
					return errFault
				}
				return nil
			})
			if err := plain.Chmod("/f", tt.mode); err != nil {
				t.Fatal(err)
			}
			var s upload.Store
			u, err := s.Create(target(tree))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := u.Commit(write(t, u, "new"), nil); !errors.Is(err, tt.want) {
				t.Errorf("Commit = %v, want %v", err, tt.want)
			}
		})
	}
}

// encrypting is a file system of a program that embeds a Root, and must see each open.
type encrypting struct {
	*vfs.Root
	opened []string
}

func (e *encrypting) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	e.opened = append(e.opened, name)
	return e.Root.OpenFile(name, flag, perm)
}

func TestFileSystemThatEmbedsARootOpensUploads(t *testing.T) {
	fsys := &encrypting{Root: rootOf(t, nil)}
	var s upload.Store
	u, err := s.Create(target(vfs.Of(fsys)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Commit(write(t, u, "new"), nil); err != nil {
		t.Fatal(err)
	}
	if len(fsys.opened) == 0 {
		t.Error("the file was not opened by OpenFile")
	}
}

func TestSweepKeepsFilesWithoutATime(t *testing.T) {
	tree := vfs.Of(afero.NewMemMapFs())
	var s upload.Store
	u, err := s.Create(target(tree))
	if err != nil {
		t.Fatal(err)
	}
	size := write(t, u, "new")
	infos, err := tree.ReadDir("/")
	if err != nil || len(infos) != 1 {
		t.Fatal(infos, err)
	}
	if err := tree.Chtimes("/"+infos[0].Name(), time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if n, err := upload.Sweep(t.Context(), tree, time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v, want 0: the age of the file is not known", n, err)
	}
	if _, err := u.Commit(size, nil); err != nil {
		t.Error(err)
	}
}

// APFS and NTFS ignore case, and everybody can compute the name of a kept file.
func TestNamesOfUploadsAreHiddenInEveryCase(t *testing.T) {
	kept := path.Base(upload.KeptName("/f", "alice"))
	for name, want := range map[string]bool{
		kept:                  true,
		strings.ToUpper(kept): true,
		strings.Replace(kept, "sluice-part", "Sluice-Part", 1): true,
		strings.Replace(kept, "sluice", "\u017fluice", 1):      true, // its upper case is S
		"f.sluice-part":     false,
		".f.sluice-partial": false,
	} {
		if got := partial.Is(name); got != want {
			t.Errorf("partial.Is(%q) = %v, want %v", name, got, want)
		}
	}
}

// ReadDir does not show a dangling link.
func TestDiscardAllKeptSeesEntriesThatReadDirHides(t *testing.T) {
	root := rootOf(t, nil)
	kept := upload.KeptName("/d/f", "alice")
	put(t, root, map[string]string{strings.TrimPrefix(kept, "/"): "kept"})
	if err := root.Symlink("/nowhere", "/d/link"); err != nil {
		t.Skip(err)
	}
	var s upload.Store
	if s.DiscardAllKept(root, "/d") {
		t.Error("DiscardAllKept = true, but there is a link")
	}
	if got := content(t, root, kept); got != "kept" {
		t.Errorf("the kept file has %q", got)
	}
}
