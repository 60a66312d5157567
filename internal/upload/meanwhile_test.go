package upload_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// hooked is a file system that calls a hook before some of its calls.
type hooked struct {
	afero.Fs
	before func(call, name string) error // whose error is that of the call
}

func (h *hooked) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	call := "create"
	if flag&os.O_CREATE == 0 {
		call = "write"
	}
	if err := h.before(call, name); err != nil {
		return nil, err
	}
	return h.Fs.OpenFile(name, flag, perm)
}

func (h *hooked) Open(name string) (afero.File, error) {
	if err := h.before("read", name); err != nil {
		return nil, err
	}
	return h.Fs.Open(name)
}

func (h *hooked) Rename(oldname, newname string) error {
	if err := h.before("rename", newname); err != nil {
		return err
	}
	return h.Fs.Rename(oldname, newname)
}

func (h *hooked) LstatIfPossible(name string) (fs.FileInfo, bool, error) {
	if err := h.before("lstat", name); err != nil {
		return nil, false, err
	}
	fi, err := h.Fs.Stat(name)
	return fi, false, err
}

func (h *hooked) Chmod(name string, mode fs.FileMode) error {
	if err := h.before("chmod", name); err != nil {
		return err
	}
	return h.Fs.Chmod(name, mode)
}

// hook makes f the hook of a tree in memory with some files, once the files are there. plain is the same without it.
func hook(t *testing.T, files map[string]string, f func(plain vfs.Tree, call, name string) error) (tree, plain vfs.Tree) {
	t.Helper()
	memory := afero.NewMemMapFs()
	put(t, memory, files)
	plain = vfs.Of(memory)
	return vfs.Of(&hooked{memory, func(call, name string) error { return f(plain, call, name) }}), plain
}

func TestWhatHappensBeforeAnUploadBeginsLeavesNoGap(t *testing.T) {
	const kept = 2 * upload.MinKept
	shorter := pattern(0, upload.MinKept)
	for _, tt := range []struct {
		name       string
		old        string // "-": there is none
		part       bool   // an upload that broke off has left kept bytes
		call, path string // before which something happens; path "": of any file
		happens    func(plain vfs.Tree) error
		open       open
	}{
		{
			"what is kept becomes shorter", "-", true, "rename", "",
			func(plain vfs.Tree) error {
				return afero.WriteFile(plain, upload.KeptName("/f", "alice"), []byte(shorter), 0o644)
			},
			from(kept),
		},
		{
			"what is kept becomes shorter before an append", "-", true, "rename", "",
			func(plain vfs.Tree) error {
				return afero.WriteFile(plain, upload.KeptName("/f", "alice"), []byte(shorter), 0o644)
			},
			appended,
		},
		{
			"the target becomes shorter", pattern(0, 100), false, "read", "/f",
			func(plain vfs.Tree) error { return afero.WriteFile(plain, "/f", []byte("0123"), 0o644) },
			from(50),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			happened, armed := false, false
			tree, plain := hook(t, without(tt.old), func(plain vfs.Tree, call, name string) error {
				if !armed || happened || call != tt.call || name != tt.path && tt.path != "" {
					return nil
				}
				happened = true
				return tt.happens(plain)
			})
			var s upload.Store
			if tt.part {
				broken(t, &s, plain, kept)
			}
			if _, err := tree.Stat("/d"); err != nil { // the first call finds out how names must look
				t.Fatal(err)
			}
			armed = true
			u, err := tt.open(&s, target(tree))
			if !happened {
				t.Fatal("it did not happen")
			}
			if err == nil {
				u.Abort(u.Start(), io.ErrUnexpectedEOF)
			}
			if !errors.Is(err, upload.ErrOffset) {
				t.Errorf("got %v, want %v", err, upload.ErrOffset)
			}
			if tt.part {
				if got := content(t, plain, upload.KeptName("/f", "alice")); got != shorter {
					t.Errorf("%d bytes are kept, want the %d that there were", len(got), len(shorter))
				}
				return
			}
			wantHidden(t, plain, 0)
		})
	}
}
