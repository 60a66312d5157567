package upload_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/internal/partial"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// open is a way to begin an upload.
type open func(s *upload.Store, t upload.Target) (*upload.Upload, error)

func create(s *upload.Store, t upload.Target) (*upload.Upload, error)   { return s.Create(t) }
func appended(s *upload.Store, t upload.Target) (*upload.Upload, error) { return s.Append(asked(s, t)) }

func from(off int64) open {
	return func(s *upload.Store, t upload.Target) (*upload.Upload, error) {
		return s.WriteFrom(context.Background(), asked(s, t), off)
	}
}

// asked returns t with Resume set to the size of the kept upload.
func asked(s *upload.Store, t upload.Target) upload.Target {
	if info, err := s.Kept(t.Writer, t.Name); err == nil {
		t.Resume = info.Size()
	}
	return t
}

// without returns files for a tree. /f has the content old, or does not exist if that is "-".
func without(old string) map[string]string {
	files := map[string]string{"d/g": "g"}
	if old != "-" {
		files["f"] = old
	}
	return files
}

func TestCommittedUploads(t *testing.T) {
	for _, tt := range []struct {
		name  string
		old   string // content of the target; "-": it does not exist
		open  open
		data  string
		want  string
		start int64
	}{
		{"a new file", "-", create, "new", "new", 0},
		{"an empty file", "-", create, "", "", 0},
		{"a longer file is replaced", "old and long", create, "new", "new", 0},
		{"from the beginning", "old", from(0), "new", "new", 0},
		{"in the middle", "0123456789", from(2), "abc", "01abc56789", 2},
		{"in the middle and beyond the end", "0123", from(2), "abc", "01abc", 2},
		{"from the end", "old", from(3), "new", "oldnew", 3},
		{"at the end", "old", appended, "new", "oldnew", 3},
		{"at the end of a missing file", "-", appended, "new", "new", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachTree(t, without(tt.old), func(t *testing.T, tree vfs.Tree) {
				var s upload.Store
				u, err := tt.open(&s, target(tree))
				if err != nil {
					t.Fatal(err)
				}
				if u.Start() != tt.start {
					t.Errorf("starts at %d, want %d", u.Start(), tt.start)
				}
				size := write(t, u, tt.data)
				checked := false
				kept, err := u.Commit(size, func() error { checked = true; return nil })
				if kept != 0 || err != nil || !checked {
					t.Errorf("Commit = %d, %v, checked %v", kept, err, checked)
				}
				if got := content(t, tree, "/f"); got != tt.want {
					t.Errorf("content %q, want %q", got, tt.want)
				}
				wantHidden(t, tree, 0)
			})
		})
	}
}

func TestFailedUploads(t *testing.T) {
	const size = upload.MinKept + 1000
	cause := errors.New("connection closed by peer")
	for _, tt := range []struct {
		name   string
		change func(*upload.Target)
		size   int64
		cause  error
		want   int64 // bytes kept
	}{
		{"are kept", func(*upload.Target) {}, size, cause, size},
		{"but not if they are small", func(*upload.Target) {}, upload.MinKept - 1, cause, 0},
		{"but not if Keep is false", func(t *upload.Target) { t.Keep = false }, size, cause, 0},
		{"but not without an owner", func(t *upload.Target) { t.Owner = "" }, size, cause, 0},
		{"but not if the disk is full", func(*upload.Target) {}, size, &fs.PathError{Err: syscall.ENOSPC}, 0},
		{"but not beyond a quota", func(*upload.Target) {}, size, syscall.EDQUOT, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, old := range []string{"-", "old"} {
				eachTree(t, without(old), func(t *testing.T, tree vfs.Tree) {
					var s upload.Store
					at := target(tree)
					tt.change(&at)
					u, err := s.Create(at)
					if err != nil {
						t.Fatal(err)
					}
					write(t, u, pattern(0, tt.size)+"not counted")
					if got := content(t, tree, "/f"); got != old {
						t.Errorf("the target is %.10q during the upload, want %q", got, old)
					}
					if kept := u.Abort(tt.size, tt.cause); kept != tt.want {
						t.Errorf("kept %d bytes, want %d", kept, tt.want)
					}
					if got := content(t, tree, "/f"); got != old {
						t.Errorf("the target is %.10q, want %q", got, old)
					}
					info, err := s.Kept(at.Writer, at.Name)
					if tt.want == 0 {
						if !errors.Is(err, fs.ErrNotExist) {
							t.Errorf("kept: %v", err)
						}
						wantHidden(t, tree, 0)
						return
					}
					if err != nil || info.Size() != tt.want {
						t.Errorf("kept %v, %v, want %d bytes", info, err, tt.want)
					}
					bob := at.Writer
					bob.Owner = "bob"
					if _, err := s.Kept(bob, at.Name); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("another user finds it: %v", err)
					}
					wantHidden(t, tree, 1)
				})
			}
		})
	}
}

// broken leaves a kept upload of size bytes by alice.
func broken(t *testing.T, s *upload.Store, tree vfs.Tree, size int64) {
	t.Helper()
	u, err := s.Create(target(tree))
	if err != nil {
		t.Fatal(err)
	}
	write(t, u, pattern(0, size))
	if kept := u.Abort(size, io.ErrUnexpectedEOF); kept != size {
		t.Fatalf("kept %d bytes, want %d", kept, size)
	}
}

func TestResumedUploads(t *testing.T) {
	const kept, size = upload.MinKept + 5, upload.MinKept + 1005
	for _, tt := range []struct {
		name string
		old  string
		open open
		off  int64
	}{
		{"at the end of the kept bytes", "-", from(kept), kept},
		{"before their end", "-", from(10), 10},
		{"by an append", "-", appended, kept},
		{"in place of an old file", "old", from(kept), kept},
		{"not from the beginning", "old", from(0), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachTree(t, without(tt.old), func(t *testing.T, tree vfs.Tree) {
				var s upload.Store
				broken(t, &s, tree, kept)
				u, err := tt.open(&s, target(tree))
				if err != nil {
					t.Fatal(err)
				}
				if u.Start() != tt.off {
					t.Errorf("starts at %d, want %d", u.Start(), tt.off)
				}
				if tt.off != 0 {
					if _, err := from(kept)(&s, target(tree)); err == nil {
						t.Error("a second upload resumes it too")
					}
				}
				end := write(t, u, pattern(tt.off, size-tt.off))
				if _, err := u.Commit(end, nil); err != nil {
					t.Fatal(err)
				}
				if content(t, tree, "/f") != pattern(0, size) {
					t.Error("the file is incomplete")
				}
				wantHidden(t, tree, 0)
			})
		})
	}
}

func TestRefusedUploads(t *testing.T) {
	files := map[string]string{"f": "0123456789", "d/g": "g", "locked": "locked"}
	for _, tt := range []struct {
		name, target string
		open         open
		want         error // nil: any
	}{
		{"a directory", "/d", create, nil},
		{"the root", "/", create, nil},
		{"in a missing directory", "/none/f", create, fs.ErrNotExist},
		{"below a file", "/f/g", create, nil},
		{"at the end of a directory", "/d", appended, nil},
		{"beyond the end", "/f", from(11), upload.ErrOffset},
		{"beyond the end of a missing file", "/none", from(1), upload.ErrOffset},
		{"a read-only file", "/locked", create, fs.ErrPermission},
		{"the end of a read-only file", "/locked", appended, fs.ErrPermission},
		{"the middle of a read-only file", "/locked", from(2), fs.ErrPermission},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachTree(t, files, func(t *testing.T, tree vfs.Tree) {
				if err := tree.Chmod("/locked", 0o444); err != nil {
					t.Fatal(err)
				}
				if _, _, ok := vfs.RootOf(tree, "/locked"); ok && tt.target == "/locked" {
					if f, err := tree.OpenFile("/locked", os.O_WRONLY, 0); err == nil {
						_ = f.Close()
						t.Skip("this user may write any file")
					}
				}
				var s upload.Store
				at := target(tree)
				at.Name = tt.target
				if _, err := tt.open(&s, at); err == nil || tt.want != nil && !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if got := content(t, tree, "/f"); got != files["f"] {
					t.Errorf("f has %q", got)
				}
				wantHidden(t, tree, 0)
			})
		})
	}
}

func TestModeIsKeptWhenAFileIsReplaced(t *testing.T) {
	eachTree(t, without("old"), func(t *testing.T, tree vfs.Tree) {
		if err := tree.Chmod("/f", 0o600); err != nil {
			t.Fatal(err)
		}
		var s upload.Store
		for name, want := range map[string]fs.FileMode{"/f": 0o600, "/new": 0o644} {
			at := target(tree)
			at.Name = name
			u, err := s.Create(at)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := u.Commit(write(t, u, "new"), nil); err != nil {
				t.Fatal(err)
			}
			info, err := tree.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			// The umask may clear bits; the staged file system of these tests has one mode for all files.
			if got := info.Mode().Perm(); got&^want != 0 && !strings.Contains(t.Name(), "Atomic") {
				t.Errorf("%s: mode %v, want %v", name, got, want)
			}
		}
	})
}

func TestFailedCheckLeavesTheOldFile(t *testing.T) {
	gone := errors.New("the client has disconnected")
	for _, size := range []int64{10, upload.MinKept} {
		eachTree(t, without("old"), func(t *testing.T, tree vfs.Tree) {
			var s upload.Store
			u, err := s.Create(target(tree))
			if err != nil {
				t.Fatal(err)
			}
			write(t, u, pattern(0, size))
			kept, err := u.Commit(size, func() error {
				if got := content(t, tree, "/f"); got != "old" {
					t.Errorf("the target is %.10q before the check, want old", got)
				}
				return gone
			})
			if err != gone || kept != size && size >= upload.MinKept || kept != 0 && size < upload.MinKept {
				t.Errorf("Commit = %d, %v, want %v", kept, err, gone)
			}
			if got := content(t, tree, "/f"); got != "old" {
				t.Errorf("the target is %.10q, want old", got)
			}
		})
	}
}

func TestUploadsWithLeaveReplaceNothing(t *testing.T) {
	eachTree(t, without("-"), func(t *testing.T, tree vfs.Tree) {
		var s upload.Store
		const writers = 8
		var uploads [writers]*upload.Upload
		for i := range uploads {
			at := target(tree)
			at.Existing = upload.Leave
			var err error
			if uploads[i], err = s.Create(at); err != nil {
				t.Fatal(err)
			}
			write(t, uploads[i], strings.Repeat(string('a'+rune(i)), 100))
		}
		var winners [writers]bool
		var all sync.WaitGroup
		for i, u := range uploads {
			all.Go(func() {
				_, err := u.Commit(100, nil)
				winners[i] = err == nil
				if err != nil && !errors.Is(err, fs.ErrExist) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		got := content(t, tree, "/f")
		for i, won := range winners {
			if is := got == strings.Repeat(string('a'+rune(i)), 100); is != won {
				t.Errorf("upload %d: success is %v, and the file has its content: %v", i, won, is)
			}
		}
		if err := s.Rename(upload.Writer{Tree: tree}, "/d/g", "/f"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Rename over a file: %v, want %v", err, fs.ErrExist)
		}
		at := target(tree)
		at.Existing = upload.Leave
		if _, err := s.Append(at); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Append to a file: %v, want %v", err, fs.ErrExist)
		}
		put(t, tree, map[string]string{"h": "h"})
		if err := s.Rename(target(tree).Writer, "/h", "/f"); err != nil || content(t, tree, "/f") != "h" {
			t.Errorf("Rename with Replace: %v", err)
		}
		wantHidden(t, tree, 0)
	})
}

func TestTwoAppendsToOneFile(t *testing.T) {
	eachTree(t, without("old"), func(t *testing.T, tree vfs.Tree) {
		var s upload.Store
		home, done, err := vfs.Sub(tree, "/d")
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		at := target(tree)
		at.Name = "/d/g"
		first, err := s.Append(at)
		if err != nil {
			t.Fatal(err)
		}
		other := target(home) // the same file by another name
		other.Name = "/g"
		for _, t2 := range []upload.Target{at, other} {
			if _, err := s.Append(t2); !errors.Is(err, upload.ErrBusy) {
				t.Errorf("a second append: %v, want %v", err, upload.ErrBusy)
			}
			if _, err := s.WriteFrom(t.Context(), t2, 1); !errors.Is(err, upload.ErrBusy) {
				t.Errorf("a second upload at the end: %v, want %v", err, upload.ErrBusy)
			}
		}
		elsewhere, err := s.Append(target(tree))
		if err != nil {
			t.Fatal(err)
		}
		elsewhere.Abort(3, io.ErrUnexpectedEOF)
		if _, err := first.Commit(write(t, first, "+1"), nil); err != nil {
			t.Fatal(err)
		}
		second, err := s.Append(other)
		if err != nil {
			t.Fatal(err)
		}
		write(t, second, "+2")
		if kept := second.Abort(second.Start()+2, io.ErrUnexpectedEOF); kept != 0 {
			t.Errorf("%d bytes are kept elsewhere", kept)
		}
		if got := content(t, tree, "/d/g"); got != "g+1+2" {
			t.Errorf("content %q, want g+1+2", got)
		}
	})
}

func TestAppendToARemovedFileFails(t *testing.T) {
	eachTree(t, without("old"), func(t *testing.T, tree vfs.Tree) {
		var s upload.Store
		u, err := s.Append(target(tree))
		if err != nil {
			t.Fatal(err)
		}
		size := write(t, u, "lost")
		if err := tree.Remove("/f"); err != nil {
			u.Abort(size, err)
			t.Skip("an open file cannot be removed here:", err)
		}
		if content(t, tree, "/f") != "-" {
			u.Abort(size, nil)
			t.Skip("the file of the lower layer is visible again")
		}
		if _, err := u.Commit(size, nil); !errors.Is(err, upload.ErrGone) {
			t.Errorf("Commit = %v, want %v", err, upload.ErrGone)
		}
	})
}

func TestWriteFromWithACancelledContext(t *testing.T) {
	eachTree(t, without("0123456789"), func(t *testing.T, tree vfs.Tree) {
		var s upload.Store
		gone, cancel := context.WithCancelCause(t.Context())
		cancel(io.ErrClosedPipe)
		if _, err := s.WriteFrom(gone, target(tree), 5); err != io.ErrClosedPipe {
			t.Errorf("got %v, want %v", err, io.ErrClosedPipe)
		}
		wantHidden(t, tree, 0)
	})
}

// An upload does not wait for a copy of gigabytes, neither before it begins nor when it fails.
func TestUploadWithAnIncompleteCopyIsNotKept(t *testing.T) {
	const off = 64 << 30
	root := rootOf(t, map[string]string{"f": ""})
	f, err := root.File("/f", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(2 * off); err != nil {
		t.Skip("the file system has no sparse files:", err)
	}
	var s upload.Store
	u, err := s.WriteFrom(t.Context(), target(root), off)
	if err != nil {
		t.Fatal(err)
	}
	size := write(t, u, pattern(0, upload.MinKept))
	if kept := u.Abort(size, io.ErrUnexpectedEOF); kept != 0 {
		t.Errorf("%d bytes are kept, but the bytes before them were not copied", kept)
	}
	wantHidden(t, root, 0)
}

func TestDiscardAllKept(t *testing.T) {
	eachTree(t, map[string]string{"f": "f", "d/g": "g"}, func(t *testing.T, tree vfs.Tree) {
		var s upload.Store
		if err := tree.Mkdir("/e", 0o755); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{"/d", "/e"} {
			at := target(tree)
			at.Name = path.Join(dir, "h")
			u, err := s.Create(at)
			if err != nil {
				t.Fatal(err)
			}
			if s.DiscardAllKept(tree, "/d") {
				t.Error("DiscardAllKept = true during an upload")
			}
			write(t, u, pattern(0, upload.MinKept))
			if u.Abort(upload.MinKept, io.ErrUnexpectedEOF) == 0 {
				t.Fatal("nothing is kept")
			}
		}
		if s.DiscardAllKept(tree, "/d") {
			t.Error("DiscardAllKept = true, but d has a file")
		}
		if _, err := s.Kept(target(tree).Writer, "/d/h"); err != nil {
			t.Errorf("the kept upload was removed: %v", err)
		}
		if !s.DiscardAllKept(tree, "/e") {
			t.Error("DiscardAllKept = false, but e has nothing else")
		}
		if infos, err := tree.ReadDir("/e"); len(infos) > 0 || err != nil {
			t.Errorf("e has %v, %v", infos, err)
		}
	})
}

func TestSweep(t *testing.T) {
	files := map[string]string{
		".old.ABC.sluice-part": "", ".young.ABC.sluice-part": "", "d/e/.deep.ABC.sluice-part": "",
		"not.ours.sluice-part": "", ".dir.ABC.sluice-part/inner": "", ".hidden": "",
	}
	eachTree(t, nil, func(t *testing.T, tree vfs.Tree) {
		put(t, tree, files)
		for name := range files {
			if name != ".young.ABC.sluice-part" {
				if err := tree.Chtimes(name, aDay, aDay); err != nil {
					t.Fatal(err)
				}
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if n, err := upload.Sweep(gone, tree, aDay.Add(time.Hour)); n != 0 || err != context.Canceled {
			t.Errorf("after the context has ended: removed %d, %v, want %v", n, err, context.Canceled)
		}
		if n, err := upload.Sweep(t.Context(), tree, aDay.Add(time.Hour)); n != 2 || err != nil {
			t.Errorf("removed %d, %v, want 2", n, err)
		}
		for name := range files {
			want := name != ".old.ABC.sluice-part" && name != "d/e/.deep.ABC.sluice-part"
			if _, err := tree.Stat(name); (err == nil) != want {
				t.Errorf("%s: %v, want it to exist: %v", name, err, want)
			}
		}
	})
}

func TestPartialNames(t *testing.T) {
	for _, target := range []string{"/f", "/d/e/f.txt", "/" + strings.Repeat("x", 255), "/d/" + strings.Repeat("ü", 127)} {
		got := upload.PartialName(target)
		dir, base := path.Split(got)
		if wantDir, _ := path.Split(target); dir != wantDir || len(base) > 255 || !partial.Is(base) || upload.IsKept(base) {
			t.Errorf("PartialName(%q) = %q", target, got)
		}
		if got == upload.PartialName(target) {
			t.Error("PartialName returns the same name twice")
		}
		if strings.ToValidUTF8(base, "") != base {
			t.Errorf("PartialName(%q) = %q, cut in a character", target, got)
		}
		kept := upload.KeptName(target, "alice")
		if base := path.Base(kept); len(base) > 255 || !upload.IsKept(base) || path.Dir(kept) != path.Dir(target) {
			t.Errorf("KeptName(%q) = %q", target, kept)
		}
		if kept != upload.KeptName(target, "alice") || kept == upload.KeptName(target, "bob") {
			t.Errorf("KeptName(%q) = %q, which differs between calls or does not depend on the owner", target, kept)
		}
	}
}
