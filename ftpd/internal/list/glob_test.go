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

// memory is a tree in memory, whose root is the current directory.
type memory struct {
	fstest.MapFS
	read func(dir string) // called before each directory is read, if it is not nil
}

func (m memory) Entry(name string) (list.Item, error) {
	info, err := fs.Lstat(m.MapFS, clean(name))
	if err != nil {
		return list.Item{}, err
	}
	return m.item(info), nil
}

// item returns the item for info. The target of a link is relative to the root.
func (m memory) item(info fs.FileInfo) list.Item {
	it := list.Item{Info: info, Name: info.Name()}
	if info.Mode().Type() == fs.ModeSymlink {
		target := string(m.MapFS[info.Name()].Data)
		it.Link = &list.Link{Target: target}
		if end, err := fs.Stat(m.MapFS, target); err == nil {
			it.Link.End = end
		}
	}
	return it
}

func (m memory) Entries(dir string, f func([]list.Item)) error {
	if m.read != nil {
		m.read(dir)
	}
	entries, err := fs.ReadDir(m.MapFS, clean(dir))
	slices.Reverse(entries) // any order is allowed
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		f([]list.Item{m.item(info)})
	}
	return err
}

// glob returns the entries that match pattern, sorted by name in each directory.
func glob(ctx context.Context, tree list.Tree, pattern string) (found []list.Item, err error) {
	s, err := list.Expand(ctx, tree, pattern)
	if err != nil {
		return nil, err
	}
	for _, dir := range s.Dirs {
		if name, ok := s.Name(dir); ok {
			if it, err := tree.Entry(name); err == nil {
				it.Name = name
				found = append(found, it)
			}
			continue
		}
		from := len(found)
		_ = tree.Entries(dir, func(items []list.Item) { // a directory that cannot be read is skipped
			for _, it := range items {
				if s.Matches(it.Name) {
					it.Name = dir + it.Name
					found = append(found, it)
				}
			}
		})
		slices.SortFunc(found[from:], func(a, b list.Item) int { return strings.Compare(a.Name, b.Name) })
	}
	return found, nil
}

// clean returns name, relative to the root, in the form of package fs.
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
		{"a.iso/*", nil, nil},
		{"none/*", nil, nil},
		{"*.txt", nil, nil},
		{"[x", nil, path.ErrBadPattern},
		{"d1/[", nil, path.ErrBadPattern},
	} {
		items, err := glob(t.Context(), tree, tt.pattern)
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

// As in a shell, a pattern matches the link itself, and further elements are looked up in
// the directory that it leads to.
func TestGlobEntersLinksAndReturnsThemAsLinks(t *testing.T) {
	link := func(target string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
	}
	tree := memory{MapFS: fstest.MapFS{
		"d/a": {}, "f": {}, "to-d": link("d"), "to-f": link("f"), "to-nothing": link("missing"), "pipe": {Mode: fs.ModeNamedPipe},
	}}
	for _, tt := range []struct {
		pattern string
		want    []string
		links   int
	}{
		{"*", []string{"d", "f", "pipe", "to-d", "to-f", "to-nothing"}, 3},
		{"to-*", []string{"to-d", "to-f", "to-nothing"}, 3},
		{"*/a", []string{"d/a", "to-d/a"}, 0},
		{"to-d/*", []string{"to-d/a"}, 0},
		{"to-[fn]*/a", nil, 0},
	} {
		items, _ := glob(t.Context(), tree, tt.pattern)
		links := 0
		for _, it := range items {
			if it.Link != nil {
				links++
			}
		}
		if got := names(items); !slices.Equal(got, tt.want) || links != tt.links {
			t.Errorf("%q: got %q with %d links, want %q with %d", tt.pattern, got, links, tt.want, tt.links)
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

func TestGlobLimitsTheDirectoriesItReads(t *testing.T) {
	tree := memory{MapFS: make(fstest.MapFS)}
	for i := range list.MaxGlobDirs - 1 { // the current directory is one more
		tree.MapFS[fmt.Sprintf("d%d/f", i)] = &fstest.MapFile{}
	}
	if items, err := glob(t.Context(), tree, "*/f*"); len(items) != list.MaxGlobDirs-1 || err != nil {
		t.Errorf("got %d names, %v", len(items), err)
	}
	tree.MapFS["e/f"] = &fstest.MapFile{}
	if items, err := glob(t.Context(), tree, "*/f*"); !errors.Is(err, list.ErrPattern) {
		t.Errorf("got %d names, %v, want %v", len(items), err, list.ErrPattern)
	}
}

func TestGlobEndsWithItsContext(t *testing.T) {
	left := errors.New("the client has left")
	ctx, cancel := context.WithCancelCause(t.Context())
	var read []string
	tree := memory{MapFS: fstest.MapFS{"d1/a/b": {}, "d2/a/b": {}}, read: func(dir string) {
		if read = append(read, dir); strings.HasPrefix(dir, "d1") {
			cancel(left)
		}
	}}
	if items, err := glob(ctx, tree, "*/*/*"); !errors.Is(err, left) {
		t.Errorf("got %q, %v, want %v", names(items), err, left)
	}
	if want := []string{"", "d1/"}; !slices.Equal(read, want) {
		t.Errorf("read %q, want %q", read, want)
	}
}
