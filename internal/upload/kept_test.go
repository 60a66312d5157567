package upload_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"runtime"
	"testing"

	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// crashed leaves an upload of size bytes by alice that was active when its process ended.
func crashed(t *testing.T, tree vfs.Tree, size int64) {
	t.Helper()
	var s upload.Store
	u, err := s.Create(target(tree))
	if err != nil {
		t.Fatal(err)
	}
	write(t, u, pattern(0, size))
	u.Crash()
}

// lockable returns a tree in which uploads are locked.
func lockable(t *testing.T, files map[string]string) *vfs.Root {
	t.Helper()
	switch runtime.GOOS {
	case "windows", "aix", "illumos", "solaris":
		t.Skip("there are no file locks here")
	}
	return rootOf(t, files)
}

func TestKeptUploadIsResumedOnlyIfItsOwnerHasAsked(t *testing.T) {
	const size = upload.MinKept + 7
	for _, leave := range []struct {
		name string
		do   func(t *testing.T, tree vfs.Tree)
	}{
		{"failed", func(t *testing.T, tree vfs.Tree) { broken(t, new(upload.Store), tree, size) }},
		{"crashed", func(t *testing.T, tree vfs.Tree) { crashed(t, tree, size) }},
	} {
		for _, tt := range []struct {
			name   string
			open   open
			owner  string
			resume int64
			start  int64
			err    error
			left   int // hidden files, while the upload is active
		}{
			{"append", appendTo, "alice", size, size, nil, 1},
			{"append without asking", appendTo, "alice", 0, 0, nil, 1},
			{"append with a wrong size", appendTo, "alice", size - 1, 0, nil, 1},
			{"append by another user", appendTo, "bob", size, 0, nil, 2},
			{"from its end", writeFrom(size), "alice", size, size, nil, 1},
			{"from its middle", writeFrom(5), "alice", size, 5, nil, 1},
			{"from after its end", writeFrom(size + 1), "alice", size, 0, upload.ErrOffset, 1},
			{"from its end without asking", writeFrom(size), "alice", 0, 0, upload.ErrOffset, 1},
			{"from its end by another user", writeFrom(size), "bob", size, 0, upload.ErrOffset, 1},
			{"a new upload", create, "alice", size, 0, nil, 1},
		} {
			t.Run(leave.name+"/"+tt.name, func(t *testing.T) {
				tree := lockable(t, nil)
				leave.do(t, tree)
				var s upload.Store
				at := target(tree)
				at.Owner, at.Resume = tt.owner, tt.resume
				u, err := tt.open(&s, at)
				if !errors.Is(err, tt.err) {
					t.Fatalf("got %v, want %v", err, tt.err)
				}
				wantHidden(t, tree, tt.left)
				if err != nil {
					return
				}
				if u.Start() != tt.start {
					t.Errorf("starts at %d, want %d", u.Start(), tt.start)
				}
				if _, err := u.Commit(write(t, u, pattern(u.Start(), size)), nil); err != nil {
					t.Fatal(err)
				}
				if content(t, tree, "/f") != pattern(0, tt.start+size) {
					t.Error("the file has a wrong content")
				}
				wantHidden(t, tree, tt.left-1)
			})
		}
	}
}

func appendTo(s *upload.Store, t upload.Target) (*upload.Upload, error) { return s.Append(t) }

func writeFrom(off int64) open {
	return func(s *upload.Store, t upload.Target) (*upload.Upload, error) {
		return s.WriteFrom(context.Background(), t, off)
	}
}

func TestKeptUploadIsDiscarded(t *testing.T) {
	const size = upload.MinKept + 7
	nothing := func(string) error { return nil }
	missing := func(string) error { return fs.ErrNotExist }
	for _, tt := range []struct {
		name   string
		change func(s *upload.Store, w upload.Writer) error
	}{
		{"when a directory gets the name", func(s *upload.Store, w upload.Writer) error {
			return s.Make(w, "/f", func(name string) error { return w.Tree.Mkdir(name, 0o755) })
		}},
		{"when the file is removed", func(s *upload.Store, w upload.Writer) error { return s.Remove(w, "/f", nothing) }},
		{"when there is no file to remove", func(s *upload.Store, w upload.Writer) error { return s.Remove(w, "/f", missing) }},
		{"when another file gets the name", func(s *upload.Store, w upload.Writer) error { return s.Rename(w, "/other", "/f") }},
		{"by DiscardKept", func(s *upload.Store, w upload.Writer) error {
			if !s.DiscardKept(w, "/f") {
				return errors.New("DiscardKept = false")
			}
			return nil
		}},
		{"by DiscardAllKept", func(s *upload.Store, w upload.Writer) error {
			if err := w.Tree.Remove("/other"); err != nil {
				return err
			}
			if !s.DiscardAllKept(w.Tree, "/") {
				return errors.New("DiscardAllKept = false")
			}
			return nil
		}},
	} {
		for name, leave := range map[string]func(t *testing.T, tree vfs.Tree){
			"failed":  func(t *testing.T, tree vfs.Tree) { broken(t, new(upload.Store), tree, size) },
			"crashed": func(t *testing.T, tree vfs.Tree) { crashed(t, tree, size) },
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				tree := lockable(t, map[string]string{"other": "other"})
				leave(t, tree)
				var s upload.Store
				w := target(tree).Writer
				if info, err := s.Kept(w, "/f"); err != nil || info.Size() != size {
					t.Fatalf("kept before: %v, %v", info, err)
				}
				if err := tt.change(&s, w); err != nil {
					t.Error(err)
				}
				if _, err := s.Kept(w, "/f"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("kept afterwards: %v", err)
				}
				wantHidden(t, tree, 0)
			})
		}
	}
}

// The second Store stands for another process.
func TestActiveUploadIsNotTakenForAnAbandonedOne(t *testing.T) {
	tree := lockable(t, nil)
	var s, other upload.Store
	u, err := s.Create(target(tree))
	if err != nil {
		t.Fatal(err)
	}
	size := write(t, u, pattern(0, upload.MinKept+7))
	for name, store := range map[string]*upload.Store{"this": &s, "another": &other} {
		if _, err := store.Kept(target(tree).Writer, "/f"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s process takes it for kept: %v", name, err)
		}
		if store.DiscardKept(target(tree).Writer, "/f") || store.DiscardAllKept(tree, "/") {
			t.Errorf("%s process has removed it", name)
		}
		at := target(tree)
		at.Resume = size
		second, err := store.Append(at)
		if err != nil || second.Start() != 0 {
			t.Fatalf("a second upload in %s process: %v", name, err)
		}
		if kept := second.Abort(write(t, second, pattern(0, upload.MinKept)), io.ErrUnexpectedEOF); kept != upload.MinKept {
			t.Errorf("the second upload in %[2]s process: %[1]d bytes are kept", kept, name)
		}
		if !store.DiscardKept(target(tree).Writer, "/f") { // the second upload
			t.Errorf("%s process finds no kept upload", name)
		}
	}
	if _, err := u.Commit(size, nil); err != nil {
		t.Fatal(err)
	}
	if content(t, tree, "/f") != pattern(0, size) {
		t.Error("the file is incomplete")
	}
}

// After a crash of the system the disk may have lost any block of the file.
func TestUploadFromBeforeARebootIsNotResumed(t *testing.T) {
	tree := lockable(t, nil)
	crashed(t, tree, upload.MinKept+7)
	infos, err := tree.ReadDir("/")
	if err != nil || len(infos) != 1 {
		t.Fatal(infos, err)
	}
	written := infos[0].Name()
	before := written[:len(".f.")] + "0123456789abcdefw" + path.Ext(written) // with the tag of another boot
	if err := tree.Rename("/"+written, "/"+before); err != nil {
		t.Fatal(err)
	}
	var s upload.Store
	if _, err := s.Kept(target(tree).Writer, "/f"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("kept: %v", err)
	}
	if !s.DiscardAllKept(tree, "/") {
		t.Error("its directory cannot be removed")
	}
	wantHidden(t, tree, 0)
}
