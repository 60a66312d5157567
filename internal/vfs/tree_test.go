package vfs_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// someFiles returns the content of the file systems of these tests, by name.
func someFiles() map[string]string {
	big := make([]byte, 300_001)
	nettest.PatternAt(big, 0)
	return map[string]string{"big.bin": string(big), "empty": "", "docs/a.txt": "hello\n", "docs/deep/b.txt": "b"}
}

var aDay = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// eachFileSystem runs f with a tree of every kind of file system.
func eachFileSystem(t *testing.T, f func(t *testing.T, kind nettest.FileSystem, tree vfs.Tree)) {
	for _, kind := range nettest.FileSystems(t, someFiles(), aDay) {
		t.Run(kind.Name, func(t *testing.T) { f(t, kind, vfs.Of(kind.FS)) })
	}
}

func TestFilesOfEveryFileSystem(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, kind nettest.FileSystem, tree vfs.Tree) {
		for name, content := range someFiles() {
			for _, spelling := range []string{name, "/" + name, "//x/../" + name} {
				f, err := tree.Open(spelling)
				if err != nil {
					t.Fatalf("Open(%q): %v", spelling, err)
				}
				if _, real := vfs.OSFile(f); real != kind.Real {
					t.Errorf("%s is an *os.File: %v, want %v", name, real, kind.Real)
				}
				fi, err := f.Stat()
				if err != nil || fi.Size() != int64(len(content)) || !fi.Mode().IsRegular() || fi.Name() != filepath.Base(name) || !fi.ModTime().Equal(aDay) {
					t.Errorf("Stat of %s = %+v, %v", name, fi, err)
				}
				readEverywhere(t, f, content)
				_ = f.Close()
			}
		}
	})
}

// readEverywhere reads f at random offsets in and after its content.
func readEverywhere(t *testing.T, f afero.File, content string) {
	t.Helper()
	size := len(content)
	for _, off := range append(rand.Perm(size + 1)[:min(size+1, 20)], 0, size, size+1, size+100_000, 0) {
		p := make([]byte, 1+rand.IntN(100_000))
		n, err := f.ReadAt(p, int64(off))
		want := content[min(off, size):min(off+len(p), size)]
		if string(p[:n]) != want {
			t.Fatalf("%d bytes at %d of %d: got %d wrong ones", len(p), off, size, n)
		}
		if n < len(p) && err != io.EOF || n == len(p) && err != nil && err != io.EOF {
			t.Fatalf("%d of %d bytes at %d of %d: got the error %v", n, len(p), off, size, err)
		}
	}
	if _, err := f.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("a read at -1 succeeded")
	}
}

func TestReadersOfOneFileDoNotDisturbEachOther(t *testing.T) {
	want := sha256.Sum256([]byte(someFiles()["big.bin"]))
	eachFileSystem(t, func(t *testing.T, _ nettest.FileSystem, tree vfs.Tree) {
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				f, err := tree.Open("big.bin")
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				hash := sha256.New()
				_, err = io.CopyBuffer(hash, struct{ io.Reader }{io.NewSectionReader(f, 0, 1<<30)}, make([]byte, 1000+100*i))
				if err != nil || !bytes.Equal(hash.Sum(nil), want[:]) {
					t.Errorf("got other bytes, or %v", err)
				}
			})
		}
		wg.Wait()
	})
}

func TestDirectoriesOfEveryFileSystem(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, _ nettest.FileSystem, tree vfs.Tree) {
		for dir, want := range map[string]string{
			"/": "[big.bin - 300001 docs d 0 empty - 0]", "": "[big.bin - 300001 docs d 0 empty - 0]",
			"docs": "[a.txt - 6 deep d 0]", "/docs/deep/": "[b.txt - 1]",
		} {
			infos, err := tree.ReadDir(dir)
			var got []string
			for _, fi := range infos {
				size := fi.Size()
				if fi.IsDir() {
					size = 0
				}
				got = append(got, fmt.Sprintf("%s %.1s %d", fi.Name(), fi.Mode(), size))
			}
			if err != nil || fmt.Sprint(got) != want {
				t.Errorf("ReadDir(%q) = %v, %v, want %s", dir, got, err, want)
			}
		}
		for _, name := range []string{"/docs/a.txt", "/missing", "/docs/a.txt/x"} {
			if infos, err := tree.ReadDir(name); err == nil {
				t.Errorf("ReadDir(%q) = %v, want an error", name, infos)
			}
		}
		var walked []string
		err := tree.Walk("/", func(rel string, _ fs.FileInfo, err error) error {
			walked = append(walked, rel)
			return err
		})
		want := []string{"big.bin", "docs", "docs/a.txt", "docs/deep", "docs/deep/b.txt", "empty"}
		if err != nil || !slices.Equal(walked, want) {
			t.Errorf("walked %v, %v, want %v", walked, err, want)
		}
		for _, name := range []string{"missing", "docs/missing", "missing/x", "docs/a.txt/x"} {
			if _, err := tree.Open(name); !errors.Is(err, fs.ErrNotExist) && !vfs.IsInvalidPath(err) {
				t.Errorf("Open(%q) = %v, want fs.ErrNotExist or an invalid path", name, err)
			}
		}
		if _, err := tree.Open("a\x00b"); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("a name with NUL: %v", err)
		}
	})
}

func TestSubOfEveryFileSystem(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, kind nettest.FileSystem, tree vfs.Tree) {
		sub, done, err := vfs.Sub(tree, "/docs")
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		f, err := sub.Open("/../../deep/b.txt")
		if err != nil {
			t.Fatal(err)
		}
		readEverywhere(t, f, "b")
		_ = f.Close()
		if _, err := sub.Stat("/../big.bin"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a name leads out: %v", err)
		}
		for _, name := range []string{"big.bin", "missing"} {
			if _, _, err := vfs.Sub(tree, name); err == nil {
				t.Errorf("Sub(%q) worked", name)
			}
		}
		again, done, err := vfs.Sub(tree, "docs/deep/..")
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		if comparable := kind.Name != "FromIOFS over a map"; vfs.IsSame(sub, again) != comparable || vfs.IsSame(sub, tree) {
			t.Error("IsSame is wrong")
		}
		if kind.Name == "FromIOFS over a map" { // its type is not comparable
			return
		}
		if !vfs.IsSameFile(tree, "docs//deep/../a.txt", sub, "/a.txt") || !vfs.IsSameFile(sub, "a.txt", again, "/a.txt") {
			t.Error("IsSameFile is false for two names of one file")
		}
		if vfs.IsSameFile(tree, "/a.txt", sub, "/a.txt") || vfs.IsSameFile(sub, "a.txt", sub, "b.txt") {
			t.Error("IsSameFile is true for different files")
		}
	})
}

func TestChangesOfEveryFileSystem(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, kind nettest.FileSystem, tree vfs.Tree) {
		create := func(name string) error {
			f, err := tree.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
			if err != nil {
				return err
			}
			defer f.Close()
			for _, part := range []struct {
				off  int64
				text string
			}{{0, "hello "}, {6, "world"}, {0, "J"}} {
				if _, err := f.WriteAt([]byte(part.text), part.off); err != nil {
					return err
				}
			}
			return f.Sync()
		}
		if !kind.Writable {
			for what, err := range map[string]error{
				"create": create("new"), "mkdir": tree.Mkdir("d", 0o755), "remove": tree.Remove("empty"),
				"rename": tree.Rename("empty", "e"), "chmod": tree.Chmod("empty", 0o600),
			} {
				if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
					t.Errorf("%s: %v, want a refusal", what, err)
				}
			}
			return
		}
		steps := []struct {
			what string
			err  error
			want error
		}{
			{"create", create("new"), nil},
			{"create an existing file", create("new"), fs.ErrExist},
			{"create below a missing directory", create("nowhere/new"), fs.ErrNotExist},
			{"create below a file", create("new/new"), syscall.ENOTDIR},
			{"make a directory", tree.Mkdir("d", 0o755), nil},
			{"make it again", tree.Mkdir("/d/", 0o755), fs.ErrExist},
			{"make one below a missing directory", tree.Mkdir("nowhere/d", 0o755), fs.ErrNotExist},
			{"move into it", tree.Rename("new", "d/new"), nil},
			{"move a directory over a file", tree.Rename("d", "empty"), fs.ErrExist},
			{"move a file over a directory", tree.Rename("d/new", "docs"), fs.ErrExist},
			{"move a directory into itself", tree.Rename("d", "d/d"), syscall.EINVAL},
			{"move below a missing directory", tree.Rename("d/new", "nowhere/new"), fs.ErrNotExist},
			{"move the root", tree.Rename("/", "r"), fs.ErrPermission},
			{"remove a directory as a file", tree.Remove("d"), syscall.EISDIR},
			{"remove a directory that is not empty", tree.RemoveDir("d"), fs.ErrExist},
			{"remove a file as a directory", tree.RemoveDir("d/new"), syscall.ENOTDIR},
			{"remove the root", tree.RemoveDir("/"), fs.ErrPermission},
			{"remove all of the root", tree.RemoveAll("x/.."), fs.ErrPermission},
			{"change the time", tree.Chtimes("d/new", time.Time{}, aDay), nil},
			{"change the mode", tree.Chmod("d/new", 0o604), nil},
			{"set other bits than permissions", tree.Chmod("d/new", 0o604|fs.ModeSetuid), fs.ErrInvalid},
			{"make a link", tree.Symlink("empty", "l"), errors.ErrUnsupported},
		}
		for _, s := range steps {
			if !errors.Is(s.err, s.want) {
				t.Errorf("%s: got %v, want %v", s.what, s.err, s.want)
			}
		}
		f, err := tree.Open("d/new")
		if err != nil {
			t.Fatal(err)
		}
		readEverywhere(t, f, "Jello world")
		fi, err := f.Stat()
		_ = f.Close()
		if err != nil || !fi.ModTime().Equal(aDay) || runtime.GOOS != "windows" && fi.Mode() != 0o604 {
			t.Errorf("Stat = %v %v, %v, want the values set before", fi.Mode(), fi.ModTime(), err)
		}
		if err := errors.Join(tree.Remove("d/new"), tree.RemoveDir("d")); err != nil {
			t.Error(err)
		}
		if _, err := tree.Stat("d"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the directory still exists: %v", err)
		}
	})
}

// odd is a file system in which a test replaces some methods.
type odd struct {
	afero.Fs
	stat func(name string) (fs.FileInfo, error)
	open func(name string) (afero.File, error)
}

func (o *odd) Stat(name string) (fs.FileInfo, error) {
	if o.stat != nil {
		return o.stat(name)
	}
	return o.Fs.Stat(name)
}

func (o *odd) Open(name string) (afero.File, error) {
	if o.open != nil {
		return o.open(name)
	}
	return o.Fs.Open(name)
}

// oddFile is a file in which a test replaces Read.
type oddFile struct {
	afero.File
	read func(p []byte) (int, error)
}

func (f *oddFile) Read(p []byte) (int, error) { return f.read(p) }

func TestWrongResultsOfReadAreErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		read func(p []byte) (int, error)
		want string
	}{
		{"0 bytes for ever", func([]byte) (int, error) { return 0, nil }, io.ErrNoProgress.Error()},
		{"too much", func(p []byte) (int, error) { return len(p) + 1, nil }, "the file system says that it has read 9 of 8 bytes"},
		{"a negative count", func([]byte) (int, error) { return -1, nil }, "the file system says that it has read -1 of 8 bytes"},
		{"a negative count with an error", func([]byte) (int, error) { return -1, syscall.EPERM }, syscall.EPERM.Error()},
		{"a panic", func([]byte) (int, error) { panic("no") }, "the file system panics: no"},
		{"an early end", func([]byte) (int, error) { return 0, io.EOF }, io.EOF.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			memory := afero.NewMemMapFs()
			if err := afero.WriteFile(memory, "/f", []byte("12345678"), 0o644); err != nil {
				t.Fatal(err)
			}
			f, err := vfs.Of(&odd{Fs: memory, open: func(name string) (afero.File, error) {
				f, err := memory.Open(name)
				return &oddFile{f, tt.read}, err
			}}).Open("f")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if n, err := f.ReadAt(make([]byte, 8), 0); n != 0 || err == nil || err.Error() != tt.want {
				t.Errorf("read %d, %v, want the error %q", n, err, tt.want)
			}
		})
	}
}

func TestFileInfoDoesNotChangeWithTheFile(t *testing.T) {
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/f", []byte("1234"), 0o644); err != nil {
		t.Fatal(err)
	}
	tree := vfs.Of(memory)
	byStat, err1 := tree.Stat("f")
	byLstat, err2 := tree.Lstat("f")
	listed, err3 := tree.ReadDir("/")
	if err := errors.Join(err1, err2, err3, afero.WriteFile(memory, "/f", []byte("12345678"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for i, fi := range []fs.FileInfo{byStat, byLstat, listed[0]} {
		if fi.Size() != 4 || fi.Mode() != 0o644 {
			t.Errorf("%d: got %d bytes, %v, want the values before the change", i, fi.Size(), fi.Mode())
		}
	}
}

func TestPanicsOfAFileSystemAreErrors(t *testing.T) {
	tree := vfs.Of(&odd{Fs: afero.NewMemMapFs(), stat: func(name string) (fs.FileInfo, error) {
		if name == "/" {
			return afero.NewMemMapFs().Stat("/")
		}
		panic(name)
	}})
	if _, err := tree.Open("f"); err == nil || err.Error() != "open f: the file system panics: /f" {
		t.Errorf("got %v", err)
	}
}

// hiding embeds a Root to hide the file secret. It inherits the other methods of Root.
type hiding struct{ *vfs.Root }

func (h hiding) Stat(name string) (fs.FileInfo, error) {
	if filepath.Base(name) == "secret" {
		return nil, fs.ErrNotExist
	}
	return h.Root.Stat(name)
}

func (h hiding) LstatIfPossible(name string) (fs.FileInfo, bool, error) {
	fi, err := h.Stat(name)
	return fi, false, err
}

func (h hiding) Open(name string) (afero.File, error) {
	if filepath.Base(name) == "secret" {
		return nil, fs.ErrNotExist
	}
	f, err := h.Root.Open(name)
	return hidingFile{f}, err
}

type hidingFile struct{ afero.File }

func (f hidingFile) Readdir(n int) ([]fs.FileInfo, error) {
	infos, err := f.File.Readdir(n)
	return slices.DeleteFunc(infos, func(fi fs.FileInfo) bool { return fi.Name() == "secret" }), err
}

func TestTypeThatEmbedsARootIsUsedByTheMethodsOfAfero(t *testing.T) {
	root, err := vfs.Open(nettest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range []string{"/secret", "/shown"} {
		if err := afero.WriteFile(root.Writable(), name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, fsys := range map[string]afero.Fs{"a value": hiding{root}, "a pointer": &hiding{root}} {
		t.Run(name, func(t *testing.T) {
			tree := vfs.Of(fsys)
			infos, err := tree.ReadDir("/")
			if err != nil || len(infos) != 1 || infos[0].Name() != "shown" {
				t.Errorf("ReadDir = %v, %v", infos, err)
			}
			if _, err := tree.Lstat("/secret"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Lstat = %v", err)
			}
			err = tree.Walk("/", func(name string, _ fs.FileInfo, err error) error {
				if name != "shown" {
					t.Errorf("Walk visits %s", name)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestGrowingFileCanBeReadUpToTheSizeOfStat(t *testing.T) {
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/f", []byte("1234"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := vfs.Of(&odd{Fs: memory, open: func(name string) (afero.File, error) {
		if name == "/f" {
			if err := afero.WriteFile(memory, "/f", []byte("12345678"), 0o644); err != nil {
				t.Error(err)
			}
		}
		return memory.Open(name)
	}}).Open("f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, fi.Size())
	if n, err := f.ReadAt(p, 0); n != len(p) || err != nil && err != io.EOF {
		t.Errorf("read %d of %d bytes, %v", n, len(p), err)
	}
}

// panicking is a file whose Truncate and Sync panic.
type panicking struct{ afero.File }

func (panicking) Truncate(int64) error { panic("no") }
func (panicking) Sync() error          { panic("no") }

type panickingFs struct{ afero.Fs }

func (p panickingFs) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	f, err := p.Fs.OpenFile(name, flag, perm)
	return panicking{f}, err
}

func TestPanicsOfTruncateAndSyncAreErrors(t *testing.T) {
	f, err := vfs.Of(panickingFs{afero.NewMemMapFs()}).OpenFile("/f", os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const want = "the file system panics: no"
	if err := f.Truncate(0); err == nil || err.Error() != want {
		t.Errorf("Truncate = %v", err)
	}
	if err := f.Sync(); err == nil || err.Error() != want {
		t.Errorf("Sync = %v", err)
	}
}
