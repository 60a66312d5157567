package upload_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// evading returns a target that must not show whether its name is taken.
func evading(tree vfs.Tree, name string) upload.Target {
	t := target(tree)
	t.Name, t.Existing, t.InPlace = name, upload.Evade, true
	return t
}

// complete uploads data, and returns the name that it has got.
func complete(t *testing.T, s *upload.Store, target upload.Target, begin func(upload.Target) (*upload.Upload, error), data string) string {
	t.Helper()
	u, err := begin(target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Commit(write(t, u, data), nil); err != nil {
		t.Fatal(err)
	}
	return u.Name()
}

func TestAnUploadThatEvadesGetsAFreeName(t *testing.T) {
	eachTree(t, map[string]string{"f.txt": "old", "f (2).txt": "second", "d/x": "x", ".profile": "y", "README": "z"}, func(t *testing.T, tree vfs.Tree) {
		var s upload.Store
		for _, tt := range []struct{ name, want string }{
			{"/f.txt", "/f (3).txt"}, {"/f.txt", "/f (4).txt"}, {"/d", "/d (2)"}, {"/.profile", "/.profile (2)"}, {"/README", "/README (2)"}, {"/new", "/new"}, {"/new", "/new (2)"},
		} {
			if got := complete(t, &s, evading(tree, tt.name), s.Create, "of "+tt.want); got != tt.want {
				t.Errorf("%s: the name is %s, want %s", tt.name, got, tt.want)
			}
			if got := content(t, tree, tt.want); got != "of "+tt.want {
				t.Errorf("%s has %q", tt.want, got)
			}
		}
		if got := complete(t, &s, evading(tree, "/f.txt"), s.Append, "appended"); got != "/f (5).txt" {
			t.Errorf("by Append the name is %s", got)
		}
		for name, want := range map[string]string{"/f.txt": "old", "/f (2).txt": "second", "/d/x": "x"} {
			if got := content(t, tree, name); got != want {
				t.Errorf("%s has %q, want %q", name, got, want)
			}
		}
		if _, err := s.WriteFrom(t.Context(), evading(tree, "/f.txt"), 3); err == nil { // the end of the old file
			t.Error("an offset in an old file was accepted")
		}
		wantHidden(t, tree, 0)
	})
}

func TestALongNameThatIsTakenIsNoError(t *testing.T) {
	long := "/" + strings.Repeat("é", 120) + ".txt" // 245 bytes
	tree := rootOf(t, map[string]string{long[1:]: "old"})
	var s upload.Store
	got := complete(t, &s, evading(tree, long), s.Create, "new")
	if !strings.HasSuffix(got, "é (2).txt") || content(t, tree, got) != "new" || content(t, tree, long) != "old" {
		t.Errorf("the name is %s", got)
	}
}

func TestUploadsThatEvadeEachOtherAllSucceed(t *testing.T) {
	const uploads = 130 // more than are numbered
	tree := rootOf(t, nil)
	var s upload.Store
	var wg sync.WaitGroup
	for i := range uploads {
		wg.Go(func() {
			u, err := s.Create(evading(tree, "/f"))
			if err == nil {
				_, _ = u.Writer().WriteAt([]byte(fmt.Sprint(i)), 0)
				_, err = u.Commit(int64(len(fmt.Sprint(i))), nil)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	infos, err := tree.ReadDir("/")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, info := range infos {
		seen[content(t, tree, "/"+info.Name())] = true
	}
	if len(seen) != uploads || len(infos) != uploads {
		t.Errorf("%d files with %d contents, want %d", len(infos), len(seen), uploads)
	}
}
