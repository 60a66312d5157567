package upload_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// patience is the timeout of waits in these tests.
const patience = 20 * time.Second

// hooked is a file system that calls a hook before some of its calls.
type hooked struct {
	afero.Fs
	before func(call, name string) error // its error becomes that of the call
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

// hook returns a tree in memory with files, whose calls call f first, and the same tree without the hook.
func hook(t *testing.T, files map[string]string, f func(plain vfs.Tree, call, name string) error) (tree, plain vfs.Tree) {
	t.Helper()
	memory := afero.NewMemMapFs()
	put(t, memory, files)
	plain = vfs.Of(memory)
	return vfs.Of(&hooked{memory, func(call, name string) error { return f(plain, call, name) }}), plain
}

func TestChangesBeforeAnUploadBeginsLeaveNoGap(t *testing.T) {
	const kept = 2 * upload.MinKept
	shorter := pattern(0, upload.MinKept)
	for _, tt := range []struct {
		name       string
		old        string // content of the target; "-": it does not exist
		part       bool   // whether there is a kept upload
		call, path string // call before which the change is made; path "": any file
		change     func(plain vfs.Tree) error
		open       open
	}{
		{
			"the kept file becomes shorter", "-", true, "rename", "",
			func(plain vfs.Tree) error {
				return afero.WriteFile(plain, upload.KeptName("/f", "alice"), []byte(shorter), 0o644)
			},
			from(kept),
		},
		{
			"the kept file becomes shorter before an append", "-", true, "rename", "",
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
			changed, armed := false, false
			tree, plain := hook(t, without(tt.old), func(plain vfs.Tree, call, name string) error {
				if !armed || changed || call != tt.call || name != tt.path && tt.path != "" {
					return nil
				}
				changed = true
				return tt.change(plain)
			})
			var s upload.Store
			if tt.part {
				broken(t, &s, plain, kept)
			}
			if _, err := tree.Stat("/d"); err != nil { // the first call finds out the form of names
				t.Fatal(err)
			}
			armed = true
			u, err := tt.open(&s, target(tree))
			if !changed {
				t.Fatal("the call was not made")
			}
			if err == nil {
				u.Abort(u.Start(), io.ErrUnexpectedEOF)
			}
			if !errors.Is(err, upload.ErrOffset) {
				t.Errorf("got %v, want %v", err, upload.ErrOffset)
			}
			if tt.part {
				if got := content(t, plain, upload.KeptName("/f", "alice")); got != shorter {
					t.Errorf("%d bytes are kept, want %d", len(got), len(shorter))
				}
				return
			}
			wantHidden(t, plain, 0)
		})
	}
}

func TestAppendToAReplacedFileFails(t *testing.T) {
	for _, tt := range []struct {
		name    string
		replace func(s *upload.Store, tree vfs.Tree) error
	}{
		{"by an upload", func(s *upload.Store, tree vfs.Tree) error {
			u, err := s.Create(target(tree))
			if err != nil {
				return err
			}
			_, _ = io.WriteString(io.NewOffsetWriter(u.Writer(), 0), "other")
			_, err = u.Commit(5, nil)
			return err
		}},
		{"by a rename", func(s *upload.Store, tree vfs.Tree) error { return s.Rename(target(tree).Writer, "/other", "/f") }},
		{"by a rename in another view", func(s *upload.Store, tree vfs.Tree) error {
			home, done, err := vfs.Sub(tree, "/")
			if err != nil {
				return err
			}
			defer done()
			return s.Rename(target(home).Writer, "/other", "/f")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := without("old")
			files["other"] = "other"
			eachTree(t, files, func(t *testing.T, tree vfs.Tree) {
				if err := tree.Remove("/other"); err != nil { // a file of the lower layer cannot be renamed
					t.Skip(err)
				}
				put(t, tree, map[string]string{"other": "other"})
				var s upload.Store
				u, err := s.Append(target(tree))
				if err != nil {
					t.Fatal(err)
				}
				size := write(t, u, "lost")
				if err := tt.replace(&s, tree); err != nil {
					u.Abort(size, err)
					t.Skip("an open file cannot be replaced here:", err)
				}
				_, err = u.Commit(size, nil)
				if got := content(t, tree, "/f"); got != "other" {
					t.Skipf("the file has %q: in this file system the append has replaced it again", got)
				}
				if !errors.Is(err, upload.ErrGone) {
					t.Errorf("Commit = %v, want %v", err, upload.ErrGone)
				}
				if u, err = s.Append(target(tree)); err != nil {
					t.Fatalf("the file stays busy: %v", err)
				}
				if _, err := u.Commit(write(t, u, "+"), nil); err != nil || content(t, tree, "/f") != "other+" {
					t.Errorf("Commit = %v", err)
				}
			})
		})
	}
}

// Some file systems copy a file when it is opened for writing, such as an afero.CopyOnWriteFs. A second upload must not
// find the incomplete copy.
func TestSecondAppendWhileTheFileIsOpened(t *testing.T) {
	opening, open := make(chan struct{}), make(chan struct{})
	tree, _ := hook(t, without("old"), func(_ vfs.Tree, call, name string) error {
		if call == "write" && name == "/f" {
			opening <- struct{}{}
			<-open
		}
		return nil
	})
	var s upload.Store
	first := make(chan error, 1)
	go func() {
		u, err := s.Append(target(tree))
		if err == nil {
			u.Abort(u.Start(), io.ErrUnexpectedEOF)
		}
		first <- err
	}()
	wait(t, opening)
	second := make(chan error, 1)
	go func() {
		u, err := s.Append(target(tree))
		if err == nil {
			u.Abort(u.Start(), io.ErrUnexpectedEOF)
		}
		second <- err
	}()
	select {
	case err := <-second:
		if !errors.Is(err, upload.ErrBusy) {
			t.Errorf("the second append: %v, want %v", err, upload.ErrBusy)
		}
	case <-opening:
		t.Error("the second append opens the file too")
	}
	close(open)
	if err := wait(t, first); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		wait(t, second)
	}
	if _, err := appendElsewhere(&s, tree); err != nil {
		t.Errorf("the file stays busy: %v", err)
	}
}

// appendElsewhere appends to another file.
func appendElsewhere(s *upload.Store, tree vfs.Tree) (int64, error) {
	at := target(tree)
	at.Name = "/d/g"
	u, err := s.Append(at)
	if err != nil {
		return 0, err
	}
	return u.Abort(u.Start(), io.ErrUnexpectedEOF), nil
}

// A commit may hang in the file system. Commits of other names must not wait for it.
func TestHangingCommitDoesNotBlockOthers(t *testing.T) {
	hangs, end := make(chan struct{}), make(chan struct{})
	slow, _ := hook(t, nil, func(_ vfs.Tree, call, name string) error {
		if call == "rename" {
			close(hangs)
			<-end
		}
		return nil
	})
	var s upload.Store
	u, err := s.Create(target(slow))
	if err != nil {
		t.Fatal(err)
	}
	hung := make(chan error, 1)
	size := write(t, u, "new")
	go func() {
		_, err := u.Commit(size, nil)
		hung <- err
	}()
	wait(t, hangs)

	other := rootOf(t, nil)
	done := make(chan error, 2)
	for name, existing := range map[string]upload.Existing{"/new": upload.Leave, "/any": upload.Replace} {
		at := target(other)
		at.Name, at.Existing = name, existing
		u, err := s.Create(at)
		if err != nil {
			t.Fatal(err)
		}
		size := write(t, u, "new")
		go func() {
			_, err := u.Commit(size, nil)
			done <- err
		}()
	}
	for range 2 {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience / 4):
			t.Error("a commit in another file system waits")
		}
	}
	close(end)
	if err := wait(t, hung); err != nil {
		t.Error(err)
	}
}

func TestCommitWithLeaveFailsIfLstatFails(t *testing.T) {
	armed := false
	tree, plain := hook(t, without("old"), func(_ vfs.Tree, call, name string) error {
		if armed && call == "lstat" && name == "/f" {
			return errFault
		}
		return nil
	})
	var s upload.Store
	at := target(tree)
	at.Existing = upload.Leave
	u, err := s.Create(at)
	if err != nil {
		t.Fatal(err)
	}
	size := write(t, u, "new")
	armed = true
	if _, err := u.Commit(size, nil); !errors.Is(err, errFault) {
		t.Errorf("Commit = %v, want %v", err, errFault)
	}
	if got := content(t, plain, "/f"); got != "old" {
		t.Errorf("the target is %q, want old", got)
	}
}

func TestUploadIsKeptIfItsRenameFails(t *testing.T) {
	armed := true
	tree, plain := hook(t, nil, func(_ vfs.Tree, call, name string) error {
		if armed && call == "rename" && name == "/f" {
			return errFault
		}
		return nil
	})
	const size = upload.MinKept + 1
	var s upload.Store
	u, err := s.Create(target(tree))
	if err != nil {
		t.Fatal(err)
	}
	write(t, u, pattern(0, size))
	kept, err := u.Commit(size, nil)
	if kept != size || !errors.Is(err, errFault) {
		t.Fatalf("Commit = %d, %v, want %d, %v", kept, err, size, errFault)
	}
	armed = false
	if u, err = appended(&s, target(tree)); err != nil || u.Start() != size {
		t.Fatalf("Append: %v", err)
	}
	if _, err := u.Commit(size, nil); err != nil {
		t.Fatal(err)
	}
	if content(t, plain, "/f") != pattern(0, size) {
		t.Error("the file is incomplete")
	}
	wantHidden(t, plain, 0)
}

// flushing is a file that calls flush when it is closed, as some file systems write then.
type flushing struct {
	afero.File
	flush func()
}

func (f flushing) Close() error {
	f.flush()
	return f.File.Close()
}

type flushingFs struct {
	afero.Fs
	flush func()
}

func (f *flushingFs) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	file, err := f.Fs.OpenFile(name, flag, perm)
	if err != nil || flag&os.O_WRONLY == 0 {
		return file, err
	}
	return flushing{file, f.flush}, nil
}

func TestFailedAppendHoldsItsFileUntilItIsClosed(t *testing.T) {
	memory := afero.NewMemMapFs()
	put(t, memory, without("old"))
	var s upload.Store
	var tree vfs.Tree
	flushed := false
	tree = vfs.Of(&flushingFs{memory, func() {
		flushed = true
		if _, err := s.Append(target(tree)); !errors.Is(err, upload.ErrBusy) {
			t.Errorf("another append before the file is closed: %v, want %v", err, upload.ErrBusy)
		}
	}})
	u, err := s.Append(target(tree))
	if err != nil {
		t.Fatal(err)
	}
	u.Abort(write(t, u, "+"), io.ErrUnexpectedEOF)
	if !flushed {
		t.Error("the file is not closed")
	}
}

func wait[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case x := <-c:
		return x
	case <-time.After(patience):
		t.Fatal("timeout")
		panic("unreachable")
	}
}

// If a file is known only by its name, a second upload would not find that it is the same file after a rename.
func TestRenameOfAFileThatIsAppendedTo(t *testing.T) {
	for _, tt := range []struct{ name, old, moved, file string }{
		{"itself", "/d/g", "/moved", "/moved"},
		{"with its directory", "/d", "/moved", "/moved/g"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachTree(t, without("old"), func(t *testing.T, tree vfs.Tree) {
				var s upload.Store
				at := target(tree)
				at.Name = "/d/g"
				first, err := s.Append(at)
				if err != nil {
					t.Fatal(err)
				}
				err = s.Rename(target(tree).Writer, tt.old, tt.moved)
				if err == nil {
					other := at
					other.Name = tt.file
					_, err = s.Append(other)
				}
				if !errors.Is(err, upload.ErrBusy) && !errors.Is(err, fs.ErrPermission) { // in the lower layer
					t.Errorf("got %v, want %v", err, upload.ErrBusy)
				}
				if _, err := first.Commit(write(t, first, "+"), nil); err != nil && !errors.Is(err, upload.ErrGone) {
					t.Error(err)
				}
				if _, err := tree.Stat(tt.moved); err != nil {
					if err := s.Rename(target(tree).Writer, tt.old, tt.moved); errors.Is(err, upload.ErrBusy) {
						t.Error("the file stays busy")
					}
				}
			})
		})
	}
}
