package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/account"
	"sluice/internal/rightsfs"
	"sluice/internal/vfs"
)

// remoteFs is a file system for which it is cheaper to open a file to read it.
type remoteFs struct {
	afero.Fs
	isCheaper bool
	opened    []string // by OpenToRead
}

func (r *remoteFs) NoSpecialFiles()   {}
func (r *remoteFs) OpensToRead() bool { return r.isCheaper }
func (r *remoteFs) OpenToRead(name string) (afero.File, error) {
	r.opened = append(r.opened, name)
	return r.Fs.Open(name)
}

func newRemote(t *testing.T) *remoteFs {
	t.Helper()
	r := &remoteFs{Fs: afero.NewMemMapFs(), isCheaper: true}
	for _, name := range []string{"/f", "/dir/g", "/secret/h"} {
		if err := afero.WriteFile(r.Fs, name, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestOpenToReadAsksTheFileSystem(t *testing.T) {
	for _, isCheaper := range []bool{true, false} {
		r := newRemote(t)
		r.isCheaper = isCheaper
		tree := vfs.Of(r)
		below, done, err := vfs.Sub(tree, "/dir")
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		for _, tt := range []struct {
			tree       vfs.Tree
			name, want string
		}{{tree, "/f", "/f"}, {below, "/g", "/dir/g"}} {
			if got := vfs.OpensToRead(tt.tree, tt.name); got != isCheaper {
				t.Errorf("%s: OpensToRead is %v, want %v", tt.want, got, isCheaper)
			}
			r.opened = nil
			f, err := vfs.OpenToRead(tt.tree, tt.name)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(f); string(got) != tt.want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
			_ = f.Close()
			if isCheaper != (len(r.opened) == 1 && r.opened[0] == tt.want) {
				t.Errorf("opened to read: %q, if it is cheaper: %v", r.opened, isCheaper)
			}
		}
		if _, err := vfs.OpenToRead(tree, "/none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want ErrNotExist", err)
		}
	}
}

// The rights of an account hold for each way to open a file.
func TestOpenToReadIsHeldByRights(t *testing.T) {
	r := newRemote(t)
	paths, err := account.NewPaths(account.PathRights{Path: "/secret"})
	if err != nil {
		t.Fatal(err)
	}
	view := rightsfs.New(vfs.Of(r), account.ReadOnly, paths)
	if f, err := vfs.OpenToRead(view, "/secret/h"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, %v, want ErrNotExist", f, err)
	}
	f, err := vfs.OpenToRead(view, "/dir/g")
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if len(r.opened) > 0 {
		t.Errorf("%q were opened past the view", r.opened)
	}
}
