package upload_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/partial"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

var errFault = errors.New("injected fault")

// plan makes one call of a file system fail.
type plan struct {
	left   int    // number of the call, counted from 1
	late   bool   // whether a call that changes the tree is made before it fails
	failed string // name of the call that has failed; "": none yet
}

// fails counts a call, and reports whether it must fail.
func (p *plan) fails(call string) bool {
	p.left--
	if p.left != 0 {
		return false
	}
	p.failed = call
	return true
}

// try counts a call of f, and returns errFault if it must fail.
func (p *plan) try(call string, f func() error) error {
	if !p.fails(call) {
		return f()
	}
	if p.late {
		_ = f()
	}
	return errFault
}

// faulty is a tree whose calls fail as planned. It does not implement upload.Atomic.
type faulty struct {
	vfs.Tree
	plan *plan
}

// atomic is faulty with the methods of upload.Atomic.
type atomic struct {
	faulty
	upload.Atomic
}

// file is a file of a faulty tree.
type file struct {
	afero.File
	plan *plan
}

func (f *faulty) open(call string, open func() (afero.File, error)) (afero.File, error) {
	if f.plan.fails(call) {
		return nil, errFault
	}
	opened, err := open()
	if err != nil {
		return nil, err
	}
	return &file{opened, f.plan}, nil
}

func (f *faulty) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	return f.open("OpenFile", func() (afero.File, error) { return f.Tree.OpenFile(name, flag, perm) })
}

func (f *faulty) Open(name string) (afero.File, error) {
	return f.open("Open", func() (afero.File, error) { return f.Tree.Open(name) })
}

func (f *faulty) Stat(name string) (fs.FileInfo, error) {
	if f.plan.fails("Stat") {
		return nil, errFault
	}
	return f.Tree.Stat(name)
}

func (f *faulty) Lstat(name string) (fs.FileInfo, error) {
	if f.plan.fails("Lstat") {
		return nil, errFault
	}
	return f.Tree.Lstat(name)
}

func (f *faulty) Rename(oldname, newname string) error {
	return f.plan.try("Rename", func() error { return f.Tree.Rename(oldname, newname) })
}

func (f *faulty) Remove(name string) error {
	return f.plan.try("Remove", func() error { return f.Tree.Remove(name) })
}

func (f *faulty) Chmod(name string, mode fs.FileMode) error {
	return f.plan.try("Chmod", func() error { return f.Tree.Chmod(name, mode) })
}

func (a *atomic) CreateUpload(temp, target string, perm fs.FileMode) (afero.File, error) {
	return a.open("CreateUpload", func() (afero.File, error) { return a.Atomic.CreateUpload(temp, target, perm) })
}

func (a *atomic) SyncUpload(f afero.File) error {
	return a.plan.try("SyncUpload", func() error { return a.Atomic.SyncUpload(f.(*file).File) })
}

func (a *atomic) CommitUpload(temp, target string, flag int) error {
	return a.plan.try("CommitUpload", func() error { return a.Atomic.CommitUpload(temp, target, flag) })
}

func (a *atomic) AbortUpload(temp string) error {
	return a.plan.try("AbortUpload", func() error { return a.Atomic.AbortUpload(temp) })
}

func (f *file) Stat() (fs.FileInfo, error) {
	if f.plan.fails("File.Stat") {
		return nil, errFault
	}
	return f.File.Stat()
}

func (f *file) Read(p []byte) (int, error) {
	if f.plan.fails("File.Read") {
		return 0, errFault
	}
	return f.File.Read(p)
}

func (f *file) Write(p []byte) (int, error) {
	if f.plan.fails("File.Write") { // after half of the bytes
		n, _ := f.File.Write(p[:len(p)/2])
		return n, errFault
	}
	return f.File.Write(p)
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if f.plan.fails("File.WriteAt") {
		n, _ := f.File.WriteAt(p[:len(p)/2], off)
		return n, errFault
	}
	return f.File.WriteAt(p, off)
}

func (f *file) Truncate(size int64) error {
	return f.plan.try("File.Truncate", func() error { return f.File.Truncate(size) })
}

func (f *file) Sync() error { return f.plan.try("File.Sync", f.File.Sync) }

func (f *file) Close() error {
	fails := f.plan.fails("File.Close")
	err := f.File.Close() // closed in any case, to leak nothing
	if fails {
		return errFault
	}
	return err
}

// receive writes the pattern up to size and ends the upload, as a server does.
func receive(u *upload.Upload, size int64) error {
	n, err := u.Writer().WriteAt([]byte(pattern(u.Start(), size-u.Start())), u.Start())
	end := u.Start() + int64(n)
	if err != nil {
		u.Abort(end, err)
		return err
	}
	_, err = u.Commit(end, nil)
	return err
}

// For every n, the nth call of the file system fails. Afterwards the target is the complete old or new file, and the only
// hidden file is a kept upload.
func TestNoFailedCallLeavesAnIncompleteFile(t *testing.T) {
	const kept, size = upload.MinKept + 5, upload.MinKept + 1005
	for _, tt := range []struct {
		name string
		old  string // content of the target; "-": it does not exist
		part bool   // whether there is a kept upload
		do   func(s *upload.Store, at upload.Target) error
	}{
		{"a new file", "-", false, nil},
		{"a replaced file", "old", false, nil},
		{"a resumed upload", "-", true, func(s *upload.Store, at upload.Target) error {
			at.Resume = kept
			u, err := s.WriteFrom(t.Context(), at, kept)
			if err != nil {
				return err
			}
			return receive(u, size)
		}},
		{"an upload into the middle", pattern(0, 100), false, func(s *upload.Store, at upload.Target) error {
			u, err := s.WriteFrom(t.Context(), at, 50)
			if err != nil {
				return err
			}
			return receive(u, size)
		}},
		{"an append", pattern(0, 100), false, func(s *upload.Store, at upload.Target) error {
			u, err := s.Append(at)
			if err != nil {
				return err
			}
			return receive(u, size)
		}},
		{"a failed upload that is kept", "old", false, func(s *upload.Store, at upload.Target) error {
			u, err := s.Create(at)
			if err != nil {
				return err
			}
			n, _ := u.Writer().WriteAt([]byte(pattern(0, kept)), 0)
			u.Abort(int64(n), io.ErrUnexpectedEOF)
			return io.ErrUnexpectedEOF
		}},
		{"an upload that must not replace", "-", false, func(s *upload.Store, at upload.Target) error {
			at.Existing = upload.Leave
			u, err := s.Create(at)
			if err != nil {
				return err
			}
			return receive(u, size)
		}},
	} {
		do := tt.do
		if do == nil {
			do = func(s *upload.Store, at upload.Target) error {
				u, err := s.Create(at)
				if err != nil {
					return err
				}
				return receive(u, size)
			}
		}
		for _, kind := range []string{"plain", "atomic"} {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprint(tt.name, "/", kind, "/late=", late), func(t *testing.T) {
					for n := 1; ; n++ {
						p := &plan{late: late}
						var tree vfs.Tree
						var failing vfs.Tree
						if kind == "atomic" {
							root := rootOf(t, without(tt.old))
							tree, failing = root, &atomic{faulty{root, p}, root}
						} else {
							memory := afero.NewMemMapFs()
							put(t, memory, without(tt.old))
							tree = vfs.Of(memory)
							failing = &faulty{tree, p}
						}
						var s upload.Store
						if tt.part {
							broken(t, &s, tree, kept)
						}
						p.left = n
						err := do(&s, target(failing))
						if p.failed == "" {
							if n < 5 {
								t.Fatalf("only %d calls", n)
							}
							return
						}
						wantCompleteOrOld(t, tree, tt.old, size, err, p)
						if _, err := s.Append(target(tree)); errors.Is(err, upload.ErrBusy) {
							t.Errorf("%s failed: the file stays busy", p.failed)
						}
					}
				})
			}
		}
	}
}

// wantCompleteOrOld checks the tree after p.failed has failed and the upload has returned err.
func wantCompleteOrOld(t *testing.T, tree vfs.Tree, old string, size int64, err error, p *plan) {
	t.Helper()
	got := content(t, tree, "/f")
	isComplete := got == pattern(0, size)
	grows := len(old) == 100 && strings.HasPrefix(got, old) && strings.HasPrefix(pattern(0, size), got) // a part of an append
	if !isComplete && got != old && !grows || err == nil && !isComplete {
		t.Errorf("%s failed, and the upload returned %v: the file has %d bytes", p.failed, err, len(got))
	}
	infos, err := tree.ReadDir("/")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		name := "/" + info.Name()
		switch {
		case !partial.Is(info.Name()):
		case upload.IsKept(info.Name()):
			if part := content(t, tree, name); !strings.HasPrefix(pattern(0, size), part) {
				t.Errorf("%s failed: the kept file is no beginning of the upload", p.failed)
			}
		case p.failed == "Remove" || p.failed == "AbortUpload" || p.failed == "Rename" && p.late: // Sweep will remove it
		default:
			t.Errorf("%s failed, and left %s", p.failed, name)
		}
	}
}
