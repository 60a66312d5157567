package vfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// walk formats the calls that Walk makes, separated by spaces: the path, with "/" after a directory and "!PATH" after an
// error. do returns the result of each call.
func walk(tree *vfs.Root, name string, do func(path string, err error) error) (string, error) {
	var words []string
	err := tree.Walk(name, func(path string, fi fs.FileInfo, err error) error {
		word := path
		if fi.IsDir() {
			word += "/"
		}
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			word += "!" + pathErr.Path
		}
		words = append(words, word)
		return do(path, err)
	})
	return strings.Join(words, " "), err
}

func goOn(string, error) error { return nil }

func TestWalkVisitsEachDirectoryOnce(t *testing.T) {
	t.Parallel()
	needsLinks(t)
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		host := fixture(t)
		plant(t, host, map[string]string{"root/etc/ssl/key": "inside", "root/etc/more": "inside", "root/etc/back": "-> .."})
		tree := opener(t, filepath.Join(host, "root"))
		tests := []struct{ name, path, want string }{
			{
				"the root, without links to directories", "/",
				"dir/ dir/file dir/up etc/ etc/more etc/passwd etc/ssl/ etc/ssl/key plain relative spare",
			},
			{"a directory", "etc", "more passwd ssl/ ssl/key"},
			{"a directory through a link", "here/relative-dir", "file up"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if got, err := walk(tree, tt.path, goOn); got != tt.want || err != nil {
					t.Errorf("got %s, %v, want %s", got, err, tt.want)
				}
			})
		}
	})
}

func TestWalkObeysTheResultOfTheFunction(t *testing.T) {
	t.Parallel()
	dir := nettest.TempDir(t)
	plant(t, dir, map[string]string{"a": "", "b/c/d": "", "b/e": "", "b/f": "", "g": ""})
	tree := openTree(t, dir)
	failed := errors.New("failed")
	tests := []struct {
		name, at string
		answer   error
		want     string
		wantErr  error
	}{
		{"goes on", "", nil, "a b/ b/c/ b/c/d b/e b/f g", nil},
		{"skips a directory", "b", fs.SkipDir, "a b/ g", nil},
		{"skips a directory below", "b/c", fs.SkipDir, "a b/ b/c/ b/e b/f g", nil},
		{"skips the rest of a directory", "b/e", fs.SkipDir, "a b/ b/c/ b/c/d b/e g", nil},
		{"skips the rest of the walk at the top", "a", fs.SkipDir, "a", nil},
		{"ends", "b/c/d", fs.SkipAll, "a b/ b/c/ b/c/d", nil},
		{"fails", "b/c", failed, "a b/ b/c/", failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := walk(tree, "/", func(path string, _ error) error {
				if path == tt.at {
					return tt.answer
				}
				return nil
			})
			if got != tt.want || !errors.Is(err, tt.wantErr) {
				t.Errorf("got %s, %v, want %s, %v", got, err, tt.want, tt.wantErr)
			}
		})
	}
}

func TestWalkReportsADirectoryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		answer  error
		want    string
		wantErr error
	}{
		{"and goes on", nil, "b/ b/!top/b c/ c/d", nil},
		{"and skips it", fs.SkipDir, "b/ b/!top/b c/ c/d", nil},
		{"and ends", fs.ErrNotExist, "b/ b/!top/b", fs.ErrNotExist},
	}
	backends(t, func(t *testing.T, opener func(testing.TB, string) *vfs.Root) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				dir := nettest.TempDir(t)
				plant(t, dir, map[string]string{"top/b/": "", "top/c/d": ""})
				got, err := walk(opener(t, dir), "top", func(path string, err error) error {
					if err != nil {
						return tt.answer
					}
					if path == "b" {
						return os.Remove(filepath.Join(dir, "top", "b"))
					}
					return nil
				})
				if got != tt.want || !errors.Is(err, tt.wantErr) {
					t.Errorf("got %s, %v, want %s, %v", got, err, tt.want, tt.wantErr)
				}
			})
		}
	})
}

func TestWalkNeedsADirectory(t *testing.T) {
	t.Parallel()
	tree := openTree(t, filepath.Join(fixture(t), "root"))
	for name, want := range map[string]error{"plain": syscall.ENOTDIR, "missing": fs.ErrNotExist, "a\x00": fs.ErrInvalid} {
		if got, err := walk(tree, name, goOn); got != "" || !errors.Is(err, want) {
			t.Errorf("Walk(%q): got %s, %v, want %v", name, got, err, want)
		}
	}
}
