package upload_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sluice/internal/upload"
	"sluice/internal/vfs"
)

func TestUploadsInPlace(t *testing.T) {
	for _, tt := range []struct {
		name string
		old  string // content of the target; "-": it does not exist
		open open
		data string
		half string // content after Abort
		want string
	}{
		{"a new file", "-", create, "new", "new", "new"},
		{"a longer file is overwritten", "old and long", create, "new", "new", "new"},
		{"from the beginning", "old", from(0), "new", "new", "new"},
		{"in the middle", "0123456789", from(2), "abc", "01abc56789", "01abc56789"},
		{"at the end", "old", appended, "new", "oldnew", "oldnew"},
		{"from the end", "old", from(3), "new", "oldnew", "oldnew"},
		{"at the end of a missing file", "-", appended, "new", "new", "new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachTree(t, without(tt.old), func(t *testing.T, tree vfs.Tree) {
				for _, fails := range []bool{false, true} {
					var s upload.Store
					at := target(tree)
					at.InPlace = true
					if tt.old == "-" {
						_ = tree.Remove("/f")
					} else {
						put(t, tree, map[string]string{"f": tt.old})
					}
					u, err := tt.open(&s, at)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := tt.open(&s, at); !errors.Is(err, upload.ErrBusy) {
						t.Errorf("a second upload: %v, want %v", err, upload.ErrBusy)
					}
					wantHidden(t, tree, 0)
					size := write(t, u, tt.data)
					if fails {
						if kept := u.Abort(size, errFault); kept != 0 {
							t.Errorf("%d bytes are kept elsewhere", kept)
						}
						if got := content(t, tree, "/f"); got != tt.half {
							t.Errorf("content after Abort %q, want %q", got, tt.half)
						}
						continue
					}
					if _, err := u.Commit(size, nil); err != nil {
						t.Fatal(err)
					}
					if got := content(t, tree, "/f"); got != tt.want {
						t.Errorf("content %q, want %q", got, tt.want)
					}
				}
			})
		})
	}
}

func TestInPlaceUploadKeepsHardLinks(t *testing.T) {
	dir := t.TempDir()
	err := errors.Join(os.WriteFile(filepath.Join(dir, "f"), []byte("old"), 0o644), os.Link(filepath.Join(dir, "f"), filepath.Join(dir, "g")))
	if err != nil {
		t.Skip(err)
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var s upload.Store
	at := target(root.Writable())
	at.InPlace = true
	u, err := s.Create(at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Commit(write(t, u, "new"), nil); err != nil {
		t.Fatal(err)
	}
	if got := content(t, root, "/g"); got != "new" {
		t.Errorf("the other name has %q", got)
	}
}

func TestInPlaceUploadMustNotReplaceWithLeave(t *testing.T) {
	eachTree(t, without("old"), func(t *testing.T, tree vfs.Tree) {
		for name, open := range map[string]open{"create": create, "append": appended, "from the middle": from(1), "from the end": from(3)} {
			var s upload.Store
			at := target(tree)
			at.InPlace, at.Existing = true, upload.Leave
			if _, err := open(&s, at); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s: %v, want %v", name, err, fs.ErrExist)
			}
		}
		if got := content(t, tree, "/f"); got != "old" {
			t.Errorf("content %q", got)
		}
	})
}

// Another program appends to the file during an upload, and neither overwrites the other.
func TestAnotherProgramAppendsDuringAnUpload(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not say at which offset an appending write has gone")
	}
	for _, tt := range []struct {
		name string
		open open
		want string // "": the upload fails
	}{
		{"Append continues after it", appended, "old-ours-other-ours-"},
		{"WriteFrom fails", from(4), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			name := filepath.Join(dir, "f")
			if err := os.WriteFile(name, []byte("old-"), 0o644); err != nil {
				t.Fatal(err)
			}
			root, err := vfs.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			var s upload.Store
			u, err := tt.open(&s, target(root.Writable()))
			if err != nil {
				t.Fatal(err)
			}
			at := write(t, u, "ours-")
			other, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			if _, err := other.WriteString("other-"); err != nil {
				t.Fatal(err)
			}
			n, err := u.Writer().WriteAt([]byte("ours-"), at)
			if tt.want == "" {
				if !errors.Is(err, upload.ErrShared) {
					t.Errorf("got %v, want %v", err, upload.ErrShared)
				}
				u.Abort(at+int64(n), err)
				if got := content(t, root, "/f"); !strings.Contains(got, "other-") || !strings.HasPrefix(got, "old-ours-") {
					t.Errorf("content %q", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := u.Commit(at+int64(n), nil); err != nil {
				t.Fatal(err)
			}
			if got := content(t, root, "/f"); got != tt.want {
				t.Errorf("content %q, want %q", got, tt.want)
			}
		})
	}
}
