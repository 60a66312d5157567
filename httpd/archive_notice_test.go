package httpd_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"sluice/httpd"
)

// failing is a file system in which some names cannot be opened.
type failing struct {
	afero.Fs
	errs map[string]error
}

func (f *failing) Open(name string) (afero.File, error) {
	if err := f.errs[name]; err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return f.Fs.Open(name)
}

// archiveOf returns the files in an archive of /d. It requests the archive again in parts, which must be those of the
// same archive.
func archiveOf(t *testing.T, s *fixture, kind string) map[string]string {
	t.Helper()
	w := s.request(t, http.MethodGet, "/d/?"+kind)
	data := w.Body.Bytes()
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d", kind, w.Code)
	}
	if kind == "tar.gz" {
		r, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		return untar(t, data)
	}
	if length := w.Header().Get("Content-Length"); length != strconv.Itoa(len(data)) {
		t.Errorf("%s: got %d bytes, %s were promised", kind, len(data), length)
	}
	tag := w.Header().Get("Etag")
	check(t, s.request(t, http.MethodHead, "/d/?"+kind), http.StatusOK, "", "Etag", tag, "Content-Length", strconv.Itoa(len(data)))
	for _, from := range []int{1, len(data) / 2, len(data) - 10} {
		rest := s.request(t, http.MethodGet, "/d/?"+kind, "Range", "bytes="+strconv.Itoa(from)+"-", "If-Range", tag)
		if tag != "" && rest.Code != http.StatusPartialContent || rest.Code == http.StatusPartialContent && !bytes.Equal(rest.Body.Bytes(), data[from:]) {
			t.Errorf("%s: from %d on: status %d and %d bytes, want the last %d", kind, from, rest.Code, rest.Body.Len(), len(data)-from)
		}
	}
	if kind == "zip" {
		return unzip(t, data)
	}
	return untar(t, data)
}

const noticeHead = "Not in this archive, because the server cannot read it:\n\n"

// Unreadable files are left out of an archive and named at its end; the others are there, and the archive is complete.
func TestUnreadableFilesAreLeftOutOfAnArchive(t *testing.T) {
	files := map[string]string{
		"/d/a": "first", "/d/key": "secret", "/d/large": strings.Repeat("x", 100_000), "/d/sub/b": "below", "/d/z": "last",
	}
	for _, tt := range []struct {
		name string
		errs map[string]error
		want string // the notice; "": none
		gone []string
	}{
		{"nothing", nil, "", nil},
		{"a file", map[string]error{"/d/key": fs.ErrPermission}, "d/key\n", []string{"d/key"}},
		{"the first and the last", map[string]error{"/d/a": syscall.EACCES, "/d/z": syscall.EPERM}, "d/a\nd/z\n", []string{"d/a", "d/z"}},
		{"a file on a bad sector", map[string]error{"/d/large": syscall.EIO}, "d/large\n", []string{"d/large"}},
		{"a file below", map[string]error{"/d/sub/b": syscall.EACCES}, "d/sub/b\n", []string{"d/sub/b"}},
		{"a directory", map[string]error{"/d/sub": syscall.EACCES}, "d/sub/*\n", []string{"d/sub/b"}},
		{"a file that disappears meanwhile", map[string]error{"/d/key": fs.ErrNotExist}, "", []string{"d/key"}},
		{"all files", map[string]error{
			"/d/a": syscall.EACCES, "/d/key": syscall.EACCES, "/d/large": syscall.EACCES, "/d/sub/b": syscall.EACCES, "/d/z": syscall.EACCES,
		}, "d/a\nd/key\nd/large\nd/sub/b\nd/z\n", []string{"d/a", "d/key", "d/large", "d/sub/b", "d/z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			memory := afero.NewMemMapFs()
			want := map[string]string{"d/sub/": ""}
			for name, content := range files {
				if err := errors.Join(afero.WriteFile(memory, name, []byte(content), 0o644), memory.Chtimes(name, anHourAgo(), anHourAgo())); err != nil {
					t.Fatal(err)
				}
				want[name[1:]] = content
			}
			for _, name := range tt.gone {
				delete(want, name)
			}
			if tt.want != "" {
				want["d/UNREADABLE-FILES.txt"] = noticeHead + tt.want
			}
			h := &httpd.Handler{FS: &failing{memory, tt.errs}, Archives: true}
			defer h.Close()
			for _, kind := range []string{"tar", "zip", "tar.gz"} {
				if diff := cmp.Diff(want, archiveOf(t, &fixture{Handler: h}, kind)); diff != "" {
					t.Errorf("%s: (-want +got):\n%s", kind, diff)
				}
			}
		})
	}
}

// When a file becomes unreadable, or readable again, the archive is another one, so that no client puts one together
// from both.
func TestTheTagOfAnArchiveDependsOnTheFilesLeftOut(t *testing.T) {
	memory := afero.NewMemMapFs()
	for _, name := range []string{"/d/a", "/d/b"} {
		if err := afero.WriteFile(memory, name, []byte("content"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fsys := &failing{Fs: memory}
	h := &httpd.Handler{FS: fsys, Archives: true, CacheValid: -1}
	defer h.Close()
	seen := make(map[string]string)
	for _, unreadable := range []string{"", "/d/a", "/d/b"} {
		fsys.errs = map[string]error{unreadable: fs.ErrPermission}
		tag := (&fixture{Handler: h}).request(t, http.MethodHead, "/d/?zip").Header().Get("Etag")
		if other, ok := seen[tag]; ok || tag == "" {
			t.Errorf("without %q the tag is %s, as without %q", unreadable, tag, other)
		}
		seen[tag] = unreadable
	}
}

func TestTheNoticeHasANameOfItsOwn(t *testing.T) {
	memory := afero.NewMemMapFs()
	for _, name := range []string{"/d/Unreadable-files.TXT", "/d/UNREADABLE-FILES-2.txt", "/d/key"} {
		if err := errors.Join(afero.WriteFile(memory, name, []byte("theirs"), 0o644), memory.Chtimes(name, anHourAgo(), anHourAgo())); err != nil {
			t.Fatal(err)
		}
	}
	h := &httpd.Handler{FS: &failing{memory, map[string]error{"/d/key": fs.ErrPermission}}, Archives: true}
	defer h.Close()
	want := map[string]string{
		"d/Unreadable-files.TXT": "theirs", "d/UNREADABLE-FILES-2.txt": "theirs", "d/UNREADABLE-FILES-3.txt": noticeHead + "d/key\n",
	}
	if diff := cmp.Diff(want, archiveOf(t, &fixture{Handler: h}, "tar")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Errors that have another cause than the file leave no file out.
func TestAnArchiveIsRefusedWhenDescriptorsRunOut(t *testing.T) {
	exhausted := syscall.EMFILE
	if runtime.GOOS == "windows" {
		exhausted = 4 // ERROR_TOO_MANY_OPEN_FILES
	}
	for name, where := range map[string]string{"a file": "/d/a", "a directory": "/d/sub"} {
		memory := afero.NewMemMapFs()
		for _, name := range []string{"/d/a", "/d/sub/b"} {
			if err := afero.WriteFile(memory, name, []byte("content"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		h := &httpd.Handler{FS: &failing{memory, map[string]error{where: exhausted}}, Archives: true}
		if w := (&fixture{Handler: h}).request(t, http.MethodGet, "/d/?tar"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d, want 503", name, w.Code)
		}
		_ = h.Close()
	}
}
