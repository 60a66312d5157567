package s3fs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/partial"
	"sluice/internal/upload"
	"sluice/internal/vfs"
	"sluice/s3fs"
)

// bucket is an empty bucket of some store.
type bucket interface {
	// open returns its files; change may be nil. Several FS of a bucket are as several servers.
	open(t *testing.T, change func(*s3fs.Config)) *s3fs.FS
}

const partSize = 5 << 20

// writable returns the files, with short parts.
func writable(t *testing.T, b bucket) *s3fs.FS {
	t.Helper()
	files := b.open(t, func(c *s3fs.Config) { c.Writable, c.PartSize = true, partSize })
	free := files.FreeMemory()
	t.Cleanup(func() {
		if now := files.FreeMemory(); now != free || files.Active() != 0 {
			t.Errorf("%d of %d bytes of memory are free, and %d uploads are left", now, free, files.Active())
		}
	})
	return files
}

// pattern returns n bytes of the pattern.
func pattern(n int) []byte {
	content := make([]byte, n)
	nettest.PatternAt(content, 0)
	return content
}

// putFile makes a file by the methods of afero.
func putFile(files afero.Fs, name string, content []byte) error {
	return afero.WriteFile(files, name, content, 0o644)
}

func mustPut(t *testing.T, files afero.Fs, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := putFile(files, name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
}

// wantFile checks the content of a file.
func wantFile(t *testing.T, files afero.Fs, name string, want []byte) {
	t.Helper()
	got, err := afero.ReadFile(files, name)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes, %v; want %d", name, len(got), err, len(want))
	}
}

// wantNames checks the entries of a directory.
func wantNames(t *testing.T, files afero.Fs, dir string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, names(t, files, dir)); diff != "" {
		t.Errorf("entries of %s (-want +got)\n%s", dir, diff)
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// behaviors are what any store must allow.
var behaviors = []struct {
	name string
	test func(t *testing.T, b bucket)
}{
	{"a file is stored as it was written", func(t *testing.T, b bucket) {
		files := writable(t, b)
		for _, size := range []int{0, 1, 70 << 10, partSize - 1, partSize, partSize + 1, 4*partSize + 7} {
			if err := putFile(files, "f", pattern(size)); err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			wantFile(t, files, "f", pattern(size))
		}
		wantNames(t, files, "/", "f")
	}},
	{"a file is visible when it is whole", func(t *testing.T, b bucket) {
		files, other := writable(t, b), b.open(t, nil)
		mustPut(t, files, "f")
		f, err := files.Create("f")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(pattern(2*partSize + 1)); err != nil {
			t.Fatal(err)
		}
		wantFile(t, other, "f", []byte("f"))
		wantNames(t, other, "/", "f")
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		wantFile(t, other, "f", pattern(2*partSize+1))
	}},
	{"a file that was not sent as a whole is dropped", func(t *testing.T, b bucket) {
		files := writable(t, b)
		for _, size := range []int{5, 2*partSize + 1} {
			f, err := files.Create("f")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write(pattern(size)); err != nil {
				t.Fatal(err)
			}
			f.(interface{ TransferError(error) }).TransferError(io.ErrUnexpectedEOF)
			wantError(t, "Close", f.Close(), io.ErrUnexpectedEOF)
			_, err = files.Stat("f")
			wantError(t, "Stat", err, fs.ErrNotExist)
		}
	}},
	{"a new file replaces no other if that is forbidden", func(t *testing.T, b bucket) {
		one, two := writable(t, b), writable(t, b)
		for _, size := range []int{3, 2*partSize + 1} {
			name := fmt.Sprint(size)
			flag := os.O_WRONLY | os.O_CREATE | os.O_EXCL
			first, err1 := one.OpenFile(name, flag, 0o644)
			second, err2 := two.OpenFile(name, flag, 0o644)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			_, err1 = first.Write(pattern(size))
			_, err2 = second.Write([]byte("other"))
			if err := errors.Join(err1, err2, second.Close()); err != nil {
				t.Fatal(err)
			}
			wantError(t, "Close", first.Close(), fs.ErrExist)
			wantFile(t, one, name, []byte("other"))
			_, err := one.OpenFile(name, flag, 0o644)
			wantError(t, "OpenFile", err, fs.ErrExist)
		}
	}},
	{"directories can be made and removed", func(t *testing.T, b bucket) {
		files := writable(t, b)
		if err := files.Mkdir("d", 0o755); err != nil {
			t.Fatal(err)
		}
		wantNames(t, files, "/", "d/")
		wantNames(t, files, "/d")
		wantError(t, "Mkdir of what exists", files.Mkdir("d", 0o755), fs.ErrExist)
		wantError(t, "Mkdir below nothing", files.Mkdir("no/x", 0o755), fs.ErrNotExist)
		mustPut(t, files, "d/f")
		wantError(t, "Mkdir below a file", files.Mkdir("d/f/x", 0o755), syscall.ENOTDIR)
		wantError(t, "MkdirAll below a file", files.MkdirAll("d/f/x/y", 0o755), syscall.ENOTDIR)
		wantError(t, "Remove of a directory with a file", files.Remove("d"), syscall.ENOTEMPTY)
		if err := errors.Join(files.MkdirAll("d/e/f", 0o755), files.MkdirAll("d/e", 0o755)); err != nil {
			t.Fatal(err)
		}
		wantNames(t, files, "d", "e/", "f")
		if err := errors.Join(files.Remove("d/e/f"), files.Remove("d/e"), files.Remove("d/f"), files.Remove("d")); err != nil {
			t.Error(err)
		}
		wantNames(t, files, "/")
		wantError(t, "Remove of nothing", files.Remove("d"), fs.ErrNotExist)
	}},
	{"a directory that loses its last file stays", func(t *testing.T, b bucket) {
		files := writable(t, b)
		mustPut(t, files, "d/e/f", "g")
		if err := files.Remove("d/e/f"); err != nil {
			t.Fatal(err)
		}
		wantNames(t, files, "d/e")
		if err := files.Remove("d/e"); err != nil {
			t.Fatal(err)
		}
		wantNames(t, files, "d")
		mustPut(t, files, "d/h")
		if err := files.Rename("d/h", "i"); err != nil {
			t.Fatal(err)
		}
		wantNames(t, files, "/", "d/", "g", "i")
	}},
	{"a directory is removed with all that it has", func(t *testing.T, b bucket) {
		files := writable(t, b)
		for i := range 30 {
			mustPut(t, files, fmt.Sprintf("d/%d/f", i))
		}
		mustPut(t, files, "d-", "d0")
		if err := errors.Join(files.RemoveAll("d"), files.RemoveAll("d"), files.RemoveAll("d0")); err != nil {
			t.Fatal(err)
		}
		wantNames(t, files, "/", "d-")
	}},
	{"a file is renamed", func(t *testing.T, b bucket) {
		files := writable(t, b)
		mustPut(t, files, "a", "b", "d/c")
		if err := files.Rename("a", "ü ?#%"); err != nil {
			t.Fatal(err)
		}
		wantFile(t, files, "ü ?#%", []byte("a"))
		if err := files.Rename("ü ?#%", "b"); err != nil {
			t.Fatal(err)
		}
		wantFile(t, files, "b", []byte("a"))
		wantNames(t, files, "/", "b", "d/")
		wantError(t, "Rename of nothing", files.Rename("a", "x"), fs.ErrNotExist)
		wantError(t, "Rename over a directory", files.Rename("b", "d"), fs.ErrExist)
		wantError(t, "Rename into itself", files.Rename("d", "d/x"), syscall.EINVAL)
	}},
	{"a long file is renamed by parts", func(t *testing.T, b bucket) {
		files := writable(t, b)
		files.SetMaxCopy(8 * partSize)
		content := pattern(8*partSize + 3)
		if err := putFile(files, "a", content); err != nil {
			t.Fatal(err)
		}
		if err := files.Rename("a", "b"); err != nil {
			t.Fatal(err)
		}
		wantFile(t, files, "b", content)
		wantNames(t, files, "/", "b")
	}},
	{"a directory is renamed, if it is small", func(t *testing.T, b bucket) {
		files := b.open(t, func(c *s3fs.Config) { c.Writable, c.MaxRename = true, 12 })
		for i := range 10 {
			mustPut(t, files, fmt.Sprintf("a/%d/f", i))
		}
		if err := errors.Join(files.Mkdir("a/empty", 0o755), files.Rename("a", "b")); err != nil {
			t.Fatal(err)
		}
		wantNames(t, files, "/", "b/")
		wantNames(t, files, "b", "0/", "1/", "2/", "3/", "4/", "5/", "6/", "7/", "8/", "9/", "empty/")
		wantFile(t, files, "b/7/f", []byte("a/7/f"))
		mustPut(t, files, "b/x", "b/y")
		wantError(t, "Rename of many", files.Rename("b", "c"), errors.ErrUnsupported)
		wantNames(t, files, "/", "b/")
	}},
	{"what a store cannot do is refused", func(t *testing.T, b bucket) {
		files := writable(t, b)
		mustPut(t, files, "f")
		_, err := files.OpenFile("f", os.O_WRONLY, 0)
		wantError(t, "writing inside", err, errors.ErrUnsupported)
		_, err = files.OpenFile("f", os.O_WRONLY|os.O_APPEND, 0)
		wantError(t, "appending", err, errors.ErrUnsupported)
		wantError(t, "Chmod", files.Chmod("f", 0o600), errors.ErrUnsupported)
		wantError(t, "Chown", files.Chown("f", 1, 1), errors.ErrUnsupported)
		wantError(t, "Chtimes", files.Chtimes("f", modified, modified), errors.ErrUnsupported)
		_, err = files.Create(strings.Repeat("x", 1100))
		wantError(t, "a long name", err, syscall.ENAMETOOLONG)
		f, err := files.Create("g")
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt([]byte("x"), 1)
		wantError(t, "a hole", err, errors.ErrUnsupported)
		if _, err := f.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt([]byte("x"), 1)
		wantError(t, "writing again", err, errors.ErrUnsupported)
		if err := errors.Join(f.Truncate(2), f.Close()); err != nil {
			t.Fatal(err)
		}
		wantFile(t, files, "g", []byte("ab"))
	}},
	{"an upload becomes a file by package upload", func(t *testing.T, b bucket) {
		files := writable(t, b)
		for _, size := range []int{0, 10, 3*partSize + 1} {
			for _, existing := range []upload.Existing{upload.Replace, upload.Evade, upload.Leave} {
				at := targetOf(files, "/in/f")
				at.Existing = existing
				mustPut(t, files, "in/f")
				u := begin(t, new(upload.Store), at, pattern(size))
				_, err := u.Commit(int64(size), nil)
				switch existing {
				case upload.Leave:
					wantError(t, "Commit", err, fs.ErrExist)
					wantFile(t, files, "in/f", []byte("in/f"))
				case upload.Evade:
					if err != nil || u.Name() != "/in/f (2)" {
						t.Errorf("%d bytes: got %q, %v", size, u.Name(), err)
					}
					wantFile(t, files, "in/f (2)", pattern(size))
				default:
					if err != nil {
						t.Errorf("%d bytes: %v", size, err)
					}
					wantFile(t, files, "in/f", pattern(size))
				}
				if err := files.RemoveAll("in"); err != nil {
					t.Fatal(err)
				}
			}
		}
		wantNames(t, files, "/")
	}},
	{"a broken upload is resumed by another server", func(t *testing.T, b bucket) {
		const first, size = 2*partSize + 1000, 4*partSize + 5
		one, two := writable(t, b), writable(t, b)
		content := pattern(size)
		u := begin(t, new(upload.Store), targetOf(one, "/f"), content[:first])
		if kept := u.Abort(first, io.ErrUnexpectedEOF); kept != first {
			t.Errorf("%d bytes are kept, want %d", kept, first)
		}
		var s upload.Store
		at := targetOf(two, "/f")
		info, err := s.Kept(at.Writer, at.Name)
		if err != nil || info.Size() != first {
			t.Fatalf("got %v, %v", info, err)
		}
		at.Resume = info.Size()
		_, err = s.WriteFrom(t.Context(), at, partSize+5)
		wantError(t, "an offset in the middle", err, errors.ErrUnsupported)
		if u, err = s.WriteFrom(t.Context(), at, first); err != nil {
			t.Fatal(err)
		}
		if _, err := u.Writer().WriteAt(content[first:], first); err != nil {
			t.Fatal(err)
		}
		if _, err := u.Commit(size, nil); err != nil {
			t.Fatal(err)
		}
		wantFile(t, one, "f", content)
		wantNames(t, one, "/", "f")
	}},
	{"a resumable upload is received by several servers", func(t *testing.T, b bucket) {
		const size, step = 3*partSize + 5, partSize - 1000
		servers := []*s3fs.FS{writable(t, b), writable(t, b), writable(t, b)}
		content := pattern(size)
		var s upload.Store
		at := targetOf(servers[0], "/in/f")
		mustPut(t, servers[0], "in/other")
		r, err := s.CreateResumable(at, upload.ResumableState{Owner: "alice", Name: "f", Length: size}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		id := r.ID
		r.Close()
		for i := 0; ; i++ {
			at := targetOf(servers[i%len(servers)], "/in/f")
			r, err := new(upload.Store).OpenResumable(t.Context(), at.Writer, "/in", id, func() {})
			if err != nil {
				t.Fatal(err)
			}
			if want := int64(min(i*step, size)); r.Offset != want {
				t.Fatalf("step %d: the offset is %d, want %d", i, r.Offset, want)
			}
			if err := r.Begin(false); err != nil {
				t.Fatal(err)
			}
			some := content[r.Offset:min(r.Offset+step, size)]
			if _, err := r.Writer().WriteAt(some, r.Offset); err != nil {
				t.Fatal(err)
			}
			if end := r.Offset + int64(len(some)); end < size {
				if err := r.Pause(end); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if _, err := r.Finish(at, size); err != nil {
				t.Fatal(err)
			}
			break
		}
		wantFile(t, servers[1], "in/f", content)
		r, err = s.OpenResumable(t.Context(), at.Writer, "/in", id, func() {})
		if err != nil || !r.Done {
			t.Fatalf("after the end: done %v, %v", r.Done, err)
		}
		if err := r.Discard(); err != nil {
			t.Fatal(err)
		}
		wantNames(t, servers[2], "/in", "f", "other")
	}},
	{"bytes of a request with a wrong checksum are taken back", func(t *testing.T, b bucket) {
		files := writable(t, b)
		var s upload.Store
		at := targetOf(files, "/f")
		r, err := s.CreateResumable(at, upload.ResumableState{Owner: "alice", Name: "f", Length: upload.UnknownLength}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		content, offset := pattern(3*partSize), int64(0)
		for _, step := range []struct {
			brings, stays int64
		}{{100, 100}, {partSize, 100}, {3 * partSize, 100}, {2 * partSize, 2 * partSize}, {3 * partSize, 2 * partSize}} {
			r.Close()
			if r, err = s.OpenResumable(t.Context(), at.Writer, "/", r.ID, func() {}); err != nil {
				t.Fatal(err)
			}
			if r.Offset != offset {
				t.Fatalf("the offset is %d, want %d", r.Offset, offset)
			}
			if err := r.Begin(true); err != nil {
				t.Fatal(err)
			}
			brings := content[offset:step.brings]
			if step.brings > step.stays {
				brings = bytes.Repeat([]byte("x"), len(brings))
			}
			if _, err := r.Writer().WriteAt(brings, offset); err != nil {
				t.Fatal(err)
			}
			offset = step.stays
			if err := r.Pause(step.stays); err != nil {
				t.Fatalf("%d of %d bytes stay: %v", step.stays, step.brings, err)
			}
		}
		if r, err = s.OpenResumable(t.Context(), at.Writer, "/", r.ID, func() {}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Finish(at, r.Offset); err != nil {
			t.Fatal(err)
		}
		wantFile(t, files, "f", content[:2*partSize])
	}},
	{"unfinished uploads are removed", func(t *testing.T, b bucket) {
		files := writable(t, b)
		var s upload.Store
		for _, dir := range []string{"/a", "/b", "/c"} {
			mustPut(t, files, dir+"/x")
			at := targetOf(files, dir+"/f")
			u := begin(t, &s, at, pattern(2*partSize+1))
			if kept := u.Abort(2*partSize+1, io.ErrUnexpectedEOF); kept == 0 {
				t.Error("nothing was kept")
			}
		}
		if err := files.Rename("b", "d"); err != nil {
			t.Fatal(err)
		}
		if !s.DiscardKept(targetOf(files, "/a/f").Writer, "/a/f") {
			t.Error("nothing was discarded")
		}
		if err := errors.Join(files.RemoveAll("c"), files.Remove("a/x"), files.Remove("a")); err != nil {
			t.Fatal(err)
		}
		wantNames(t, files, "/", "d/")
		wantNames(t, files, "/d", "x")
	}},
	{"a directory may have a hidden name", func(t *testing.T, b bucket) {
		files := writable(t, b)
		mustPut(t, files, "d/a/f", "d/g")
		const aside = ".d.ABC" + partial.Suffix
		if err := errors.Join(files.Mkdir("d/"+aside, 0o755), files.Rename("d", aside)); err != nil {
			t.Fatal(err)
		}
		wantNames(t, files, aside, aside+"/", "a/", "g")
		if err := errors.Join(files.Rename(aside, "e"), files.Remove("e/"+aside)); err != nil {
			t.Fatal(err)
		}
		wantNames(t, files, "e", "a/", "g")
		if err := errors.Join(files.Rename("e", aside), files.RemoveAll(aside)); err != nil {
			t.Fatal(err)
		}
		wantNames(t, files, "/")
	}},
	{"a file that is replaced or removed is not read on", func(t *testing.T, b bucket) {
		files := writable(t, b)
		for name, change := range map[string]func() error{
			"replaced": func() error { return putFile(files, "replaced", pattern(4<<20)) },
			"removed":  func() error { return files.Remove("removed") },
		} {
			if err := putFile(files, name, bytes.Repeat([]byte("x"), 4<<20)); err != nil {
				t.Fatal(err)
			}
			f, err := files.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := change(); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(f)
			isOld := err == nil && bytes.Equal(got, bytes.Repeat([]byte("x"), 4<<20)) // a bucket with versions has it
			if !isOld && !errors.Is(err, s3fs.ErrChanged) {
				t.Errorf("%s: got %d bytes, %v", name, len(got), err)
			}
		}
	}},
	{"any part of a file is read", func(t *testing.T, b bucket) {
		files := writable(t, b)
		if err := putFile(files, "f", pattern(3<<20)); err != nil {
			t.Fatal(err)
		}
		f, err := files.Open("f")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, off := range []int64{0, 1, 2 << 20, 1000, 3<<20 - 10} {
			if err := readSome(f, off, 10); err != nil {
				t.Error(err)
			}
			got, want := make([]byte, 20), make([]byte, 20)
			n, err := f.ReadAt(got, off)
			nettest.PatternAt(want, off)
			if wanted := min(20, 3<<20-int(off)); n != wanted || !bytes.Equal(got[:n], want[:n]) || n == 20 && err != nil || n < 20 && err != io.EOF {
				t.Errorf("ReadAt %d: got %d bytes, %v, want %d", off, n, err, wanted)
			}
		}
	}},
	{"names may have any characters", func(t *testing.T, b bucket) {
		files := writable(t, b)
		all := []string{" a", "%2F", "&=+;", "a  b", "a.", "b~!$'()*,:@", "\"q\"", "<&>", "?x=y#z", "ü", "\U0001F600"}
		slices.Sort(all)
		for _, name := range all {
			mustPut(t, files, "d/"+name)
			wantFile(t, files, "d/"+name, []byte("d/"+name))
		}
		wantNames(t, files, "d", all...)
		for _, name := range all {
			if err := files.Rename("d/"+name, "d/x"+name); err != nil {
				t.Error(err)
			}
			wantFile(t, files, "d/x"+name, []byte("d/"+name))
			if err := files.Remove("d/x" + name); err != nil {
				t.Error(err)
			}
		}
		wantNames(t, files, "d")
	}},
	{"a directory may have more entries than a page", func(t *testing.T, b bucket) {
		files := writable(t, b)
		const n = 1100
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				for i := worker; i < n; i += 8 {
					if err := putFile(files, fmt.Sprintf("d/%04d%s", i, []string{"", "/f"}[i%2]), nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		got := names(t, files, "d")
		if len(got) != n || got[0] != "0000" || got[n-1] != "1099/" || !slices.IsSorted(got) {
			t.Errorf("got %d names", len(got))
		}
		if err := files.RemoveAll("d"); err != nil {
			t.Error(err)
		}
		wantNames(t, files, "/")
	}},
	{"a client gets a file by a presigned URL", func(t *testing.T, b bucket) {
		files := writable(t, b)
		const name = "d/ü ?#%.bin"
		if err := putFile(files, name, pattern(100_000)); err != nil {
			t.Fatal(err)
		}
		link, err := files.Presign("GET", name, stat(t, files, name), time.Minute, map[string]string{
			"Content-Type": "text/x-test", "Content-Disposition": `attachment; filename="a b"`, "Cache-Control": "no-store",
		})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || !bytes.Equal(got, pattern(100_000)) {
			t.Errorf("%s with %d bytes, %v", resp.Status, len(got), err)
		}
		for field, want := range map[string]string{
			"Content-Type": "text/x-test", "Content-Disposition": `attachment; filename="a b"`, "Cache-Control": "no-store",
			"Etag": stat(t, files, name).Sys().(*s3fs.Object).ETag,
		} {
			if got := resp.Header.Get(field); got != want {
				t.Errorf("%s: %q, want %q", field, got, want)
			}
		}
	}},
	{"a reader sees the old or the new file", func(t *testing.T, b bucket) {
		files, other := writable(t, b), b.open(t, nil)
		versions := [][]byte{pattern(partSize + 1), bytes.Repeat([]byte("x"), 3*partSize)}
		if err := putFile(files, "f", versions[0]); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		for range 2 {
			readers.Go(func() {
				for ctx.Err() == nil {
					got, err := afero.ReadFile(other, "f")
					isOne := slices.ContainsFunc(versions, func(v []byte) bool { return bytes.Equal(v, got) })
					if err != nil && !errors.Is(err, s3fs.ErrChanged) || err == nil && !isOne {
						t.Errorf("got %d bytes, %v", len(got), err)
					}
				}
			})
		}
		for i := range 6 {
			at := targetOf(files, "/f")
			v := versions[(i+1)%2]
			if _, err := begin(t, new(upload.Store), at, v).Commit(int64(len(v)), nil); err != nil {
				t.Error(err)
			}
		}
		cancel()
		readers.Wait()
	}},
}

// targetOf returns a target that alice may replace.
func targetOf(files afero.Fs, name string) upload.Target {
	return upload.Target{
		Writer: upload.Writer{Tree: vfs.Of(files), Existing: upload.Replace, Owner: "alice"},
		Name:   name, Perm: 0o644, Keep: true,
	}
}

// begin begins an upload, and writes content.
func begin(t *testing.T, s *upload.Store, at upload.Target, content []byte) *upload.Upload {
	t.Helper()
	u, err := s.Create(at)
	if err != nil {
		t.Fatal(err)
	}
	for off := 0; off < len(content); off += 1 << 20 { // as from a network
		if _, err := u.Writer().WriteAt(content[off:min(off+1<<20, len(content))], int64(off)); err != nil {
			t.Fatalf("%s: %v", path.Base(at.Name), err)
		}
	}
	return u
}

// unfinished returns how many multipart uploads there are.
func (s *store) unfinished() int {
	uploads, _ := s.Unfinished()
	return uploads
}

// parts returns how many parts they have.
func (s *store) parts() int {
	_, parts := s.Unfinished()
	return parts
}

func TestABucketOfAStoreInMemory(t *testing.T) {
	for _, behavior := range behaviors {
		t.Run(behavior.name, func(t *testing.T) {
			s := newStore(t)
			behavior.test(t, s)
			if n := s.unfinished(); n != 0 {
				t.Errorf("%d multipart uploads are left", n)
			}
		})
	}
}

func TestABucketWhoseListingsShowRemovedDirectories(t *testing.T) {
	for _, behavior := range behaviors {
		if !strings.Contains(behavior.name, "director") && !strings.Contains(behavior.name, "unfinished") {
			continue
		}
		t.Run(behavior.name, func(t *testing.T) {
			s := newStore(t)
			s.KeepVersions()
			behavior.test(t, s)
		})
	}
}

func TestABucketOfAStoreWithoutConditions(t *testing.T) {
	for _, behavior := range behaviors[:5] {
		t.Run(behavior.name, func(t *testing.T) {
			s := newStore(t)
			s.ForgetConditions()
			behavior.test(t, s)
			if n := s.unfinished(); n != 0 {
				t.Errorf("%d multipart uploads are left", n)
			}
		})
	}
}
