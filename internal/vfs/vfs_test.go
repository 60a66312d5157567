package vfs_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// backends runs f with each implementation of opener. The argument opener returns a read-only tree that uses it.
func backends(t *testing.T, f func(t *testing.T, opener func(t testing.TB, dir string) *vfs.Root)) {
	t.Helper()
	if runtime.GOOS == "linux" {
		t.Run("openat2", func(t *testing.T) { f(t, openat2Tree) })
	}
	t.Run("os.Root", func(t *testing.T) { f(t, osRootTree) })
}

func openat2Tree(t testing.TB, dir string) *vfs.Root {
	t.Helper()
	tree := openTree(t, dir)
	if !vfs.UsesOpenat2(tree) {
		t.Skip("this kernel, or its seccomp filter, has no openat2")
	}
	return tree
}

func osRootTree(t testing.TB, dir string) *vfs.Root {
	t.Helper()
	tree := openTree(t, dir)
	if err := vfs.WithoutOpenat2(tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

func openTree(t testing.TB, dir string) *vfs.Root {
	t.Helper()
	tree, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Errorf("close of the tree: %v", err)
		}
	})
	return tree
}

// plant makes files with their content, directories (a name that ends in a slash) and symbolic links ("-> target")
// beneath dir, and their missing parents. Links are left out where noLinks says so. They are made last, because on
// Windows their target must exist.
func plant(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	links := make(map[string]string)
	for name, content := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		parent := filepath.Dir(full)
		if strings.HasSuffix(name, "/") {
			parent = full
		}
		if err := os.MkdirAll(parent, 0o755); err != nil {
			t.Fatal(err)
		}
		if parent == full {
			continue
		}
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			links[full] = target
			continue
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if noLinks() != "" {
		return
	}
	for name, target := range links {
		symlink(t, target, name)
	}
}

func symlink(t testing.TB, target, name string) {
	t.Helper()
	if err := os.Symlink(filepath.FromSlash(target), name); err != nil {
		t.Fatal(err)
	}
}

// needsLinks skips the test if symbolic links do not work here.
func needsLinks(t testing.TB) {
	t.Helper()
	if why := noLinks(); why != "" {
		t.Skip(why)
	}
}

// content returns the content of the file name.
func content(tree *vfs.Root, name string) (string, error) {
	f, err := tree.File(name, os.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	return string(b), err
}

// put writes text to name with the given flags.
func put(tree *vfs.Root, name string, flag int, text string) error {
	f, err := tree.File(name, flag, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func TestErrorOfOpenHasTheDirectory(t *testing.T) {
	t.Parallel()
	dir := nettest.TempDir(t)
	plant(t, dir, map[string]string{"file": "x"})
	tests := []struct {
		name string
		dir  string
		want error
	}{
		{"the directory is missing", filepath.Join(dir, "missing"), fs.ErrNotExist},
		{"the directory is a file", filepath.Join(dir, "file"), syscall.ENOTDIR},
		{"the name is empty", "", fs.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := vfs.Open(tt.dir)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			var pathErr *fs.PathError
			if !errors.As(err, &pathErr) || pathErr.Path != tt.dir {
				t.Errorf("got %#v, want an error with the path %q", err, tt.dir)
			}
		})
	}
}

func TestDirIsAbsolute(t *testing.T) {
	dir := nettest.TempDir(t)
	plant(t, dir, map[string]string{"sub/": ""})
	t.Chdir(dir)
	tree := openTree(t, "sub")
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tree.Dir(), filepath.Join(wd, "sub"); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestViewStaysWithARenamedDirectory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not rename a directory that is open")
	}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		host := nettest.TempDir(t)
		plant(t, host, map[string]string{"old/file": "first"})
		tree := opener(t, filepath.Join(host, "old"))
		if err := os.Rename(filepath.Join(host, "old"), filepath.Join(host, "new")); err != nil {
			t.Fatal(err)
		}
		plant(t, host, map[string]string{"old/file": "second"})
		if got, err := content(tree, "file"); got != "first" || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, "first")
		}
	})
}

func TestViewsShareTheTree(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		reader := opener(t, nettest.TempDir(t))
		writer := reader.Writable()
		if reader.CanWrite() || !writer.CanWrite() {
			t.Errorf("CanWrite: got %v and %v, want false and true", reader.CanWrite(), writer.CanWrite())
		}
		if err := put(writer, "f", os.O_WRONLY|os.O_CREATE, "x"); err != nil {
			t.Fatal(err)
		}
		if got, err := content(reader, "f"); got != "x" || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, "x")
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		for _, tree := range []*vfs.Root{reader, writer} {
			if _, err := tree.Open("f"); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("open after close: got %v, want %v", err, fs.ErrClosed)
			}
			if _, err := tree.Stat("f"); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("stat after close: got %v, want %v", err, fs.ErrClosed)
			}
		}
	})
}

func TestCloseDuringOpens(t *testing.T) {
	t.Parallel()
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		dir := nettest.TempDir(t)
		plant(t, dir, map[string]string{"f": "inside"})
		tree := opener(t, dir)
		var openers sync.WaitGroup
		started := make(chan struct{}, 4)
		for range cap(started) {
			openers.Go(func() {
				for n := 0; ; n++ {
					if n == 10 {
						started <- struct{}{}
					}
					got, err := content(tree, "f")
					if errors.Is(err, fs.ErrClosed) && n >= 10 {
						return
					}
					if err != nil || got != "inside" {
						t.Errorf("got %q, %v, want the file or %v", got, err, fs.ErrClosed)
						started <- struct{}{}
						return
					}
				}
			})
		}
		for range cap(started) {
			<-started
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
		openers.Wait()
	})
}

func TestEachRefusalIsAlsoAPermissionError(t *testing.T) {
	t.Parallel()
	all := []error{vfs.ErrOutside, vfs.ErrSpecial, vfs.ErrReadOnly}
	for i, err := range all {
		wrapped := fmt.Errorf("wrapped: %w", err)
		if !errors.Is(wrapped, fs.ErrPermission) {
			t.Errorf("%v is no permission error", err)
		}
		for j, other := range all {
			if got, want := errors.Is(wrapped, other), i == j; got != want {
				t.Errorf("errors.Is(%v, %v): got %v, want %v", err, other, got, want)
			}
		}
	}
}
