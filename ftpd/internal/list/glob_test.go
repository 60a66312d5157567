package list_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"sluice/ftpd/internal/list"
)

// memory is a tree in memory, whose top is the current directory.
type memory struct {
	fstest.MapFS
	read func(dir string) // called before each ReadDir, if it is not nil
}

func (m memory) Stat(name string) (fs.FileInfo, error) { return fs.Stat(m.MapFS, clean(name)) }

func (m memory) ReadDir(dir string) ([]fs.FileInfo, error) {
	if m.read != nil {
		m.read(dir)
	}
	entries, err := fs.ReadDir(m.MapFS, clean(dir))
	var infos []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, err
}

// clean returns name, relative to the top, as package fs wants it.
func clean(name string) string {
	if name = path.Clean("/" + name)[1:]; name == "" {
		return "."
	}
	return name
}

func names(items []list.Item) (names []string) {
	for _, it := range items {
		names = append(names, it.Name)
	}
	return names
}

func TestGlob(t *testing.T) {
	tree := memory{MapFS: fstest.MapFS{
		"a.iso": {}, "b.iso": {}, ".hidden": {}, "c*": {}, "d1/a": {}, "d1/.a": {}, "d2/b": {}, "d2/e/a": {}, "[x": {},
	}}
	for _, tt := range []struct {
		pattern string
		want    []string
		err     error
	}{
		{"*.iso", []string{"a.iso", "b.iso"}, nil},
		{"?.iso", []string{"a.iso", "b.iso"}, nil},
		{"[b-z].iso", []string{"b.iso"}, nil},
		{"[^b-z].iso", []string{"a.iso"}, nil},
		{`c\*`, []string{"c*"}, nil},
		{"*", []string{"[x", "a.iso", "b.iso", "c*", "d1", "d2"}, nil},
		{".*", []string{".hidden"}, nil},
		{"d1/*", []string{"d1/a"}, nil},
		{"*/a", []string{"d1/a"}, nil},
		{"*/?/a", []string{"d2/e/a"}, nil},
		{"d?/../*.iso", []string{"d1/../a.iso", "d1/../b.iso", "d2/../a.iso", "d2/../b.iso"}, nil},
		{"./d*/.", []string{"./d1/./", "./d2/./"}, nil},
		{"/d*/", []string{"/d1/", "/d2/"}, nil},
		{"//*.iso", []string{"//a.iso", "//b.iso"}, nil},
		{"a.iso/*", nil, list.ErrNoMatch},
		{"none/*", nil, list.ErrNoMatch},
		{"*.txt", nil, list.ErrNoMatch},
		{"[x", nil, path.ErrBadPattern},
		{"d1/[", nil, path.ErrBadPattern},
	} {
		items, err := list.Glob(t.Context(), tree, tt.pattern)
		if got := names(items); !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
			t.Errorf("%q: got %q, %v, want %q, %v", tt.pattern, got, err, tt.want, tt.err)
		}
		for _, it := range items {
			if it.Info == nil || it.Type != "" {
				t.Errorf("%q: %+v", tt.pattern, it)
			}
		}
	}
}

func TestIsPattern(t *testing.T) {
	for arg, want := range map[string]bool{"": false, "a": false, `a\b`: false, "a]": false, "*": true, "a?": true, "d/[a]/f": true} {
		if got := list.IsPattern(arg); got != want {
			t.Errorf("IsPattern(%q) = %v, want %v", arg, got, want)
		}
	}
}

func TestGlobReadsSoManyDirectories(t *testing.T) {
	tree := memory{MapFS: make(fstest.MapFS)}
	for i := range list.MaxGlobDirs - 1 { // the current directory is one more
		tree.MapFS[fmt.Sprintf("d%d/f", i)] = &fstest.MapFile{}
	}
	if items, err := list.Glob(t.Context(), tree, "*/f*"); len(items) != list.MaxGlobDirs-1 || err != nil {
		t.Errorf("got %d names, %v", len(items), err)
	}
	tree.MapFS["e/f"] = &fstest.MapFile{}
	if items, err := list.Glob(t.Context(), tree, "*/f*"); !errors.Is(err, list.ErrPattern) {
		t.Errorf("got %d names, %v, want %v", len(items), err, list.ErrPattern)
	}
}

// crowded is a directory of so many files.
type crowded struct {
	fs.FileInfo
	files int
}

func (crowded) Name() string { return "f" }

func (c crowded) Stat(string) (fs.FileInfo, error) { return c, nil }

func (c crowded) ReadDir(string) ([]fs.FileInfo, error) {
	return slices.Repeat([]fs.FileInfo{c}, c.files), nil
}

func TestGlobFindsSoManyNames(t *testing.T) {
	if items, err := list.Glob(t.Context(), crowded{files: list.MaxGlobNames}, "*"); len(items) != list.MaxGlobNames || err != nil {
		t.Errorf("got %d names, %v", len(items), err)
	}
	if items, err := list.Glob(t.Context(), crowded{files: list.MaxGlobNames + 1}, "*"); !errors.Is(err, list.ErrPattern) {
		t.Errorf("got %d names, %v, want %v", len(items), err, list.ErrPattern)
	}
}

func TestGlobEndsWithItsContext(t *testing.T) {
	left := errors.New("the client has left")
	ctx, cancel := context.WithCancelCause(t.Context())
	var read []string
	tree := memory{MapFS: fstest.MapFS{"d1/a": {}, "d2/a": {}}, read: func(dir string) {
		if read = append(read, dir); strings.HasPrefix(dir, "d1") {
			cancel(left)
		}
	}}
	if items, err := list.Glob(ctx, tree, "*/*"); !errors.Is(err, left) {
		t.Errorf("got %q, %v, want %v", names(items), err, left)
	}
	if want := []string{"", "d1/"}; !slices.Equal(read, want) {
		t.Errorf("read %q, want %q", read, want)
	}
}
