package s3fs_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
	"sluice/s3fs"
)

func TestAFileIsOpenedByTheRequestForItsFirstPart(t *testing.T) {
	for _, tt := range []struct {
		name string
		size int
		want []string
	}{
		{"a small file", 1000, []string{"GET f bytes=0-1048575"}},
		{"a file of one part", 1 << 20, []string{"GET f bytes=0-1048575"}},
		{"a longer file", 1<<20 + 1, []string{"GET f bytes=0-1048575", "GET f bytes=1048576-1048576"}},
		{"a long file", 7 << 20, []string{"GET f bytes=0-1048575", "GET f bytes=1048576-5242879", "GET f bytes=5242880-7340031"}},
		{"an empty file", 0, []string{"GET f bytes=0-1048575", "HEAD f"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			s := newStore(t)
			s.put("f", pattern(tt.size))
			files := s.open(t, nil)
			want, err := files.Stat("f")
			if err != nil {
				t.Fatal(err)
			}
			s.forget()
			f, err := files.OpenToRead("/f")
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Stat()
			if err != nil || got.Size() != want.Size() || !got.ModTime().Equal(want.ModTime()) || got.Mode() != want.Mode() || got.Name() != want.Name() {
				t.Errorf("got %+v, %v, want what Stat says, %+v", got, err, want)
			}
			if diff := cmp.Diff(want.Sys(), got.Sys()); diff != "" {
				t.Errorf("object (-want +got)\n%s", diff)
			}
			sum := sha256.New()
			if n, err := io.Copy(sum, f); n != int64(tt.size) || err != nil {
				t.Errorf("got %d bytes, %v", n, err)
			}
			if want := nettest.PatternSum(0, int64(tt.size)); !bytes.Equal(sum.Sum(nil), want[:]) {
				t.Error("other bytes")
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, s.forget()); diff != "" {
				t.Errorf("requests (-want +got)\n%s", diff)
			}
			if n := files.Connections(); n != 0 {
				t.Errorf("%d connections are in use", n)
			}
			_ = files.Close()
		})
	}
}

func TestOpenToReadOpensDirectories(t *testing.T) {
	s := newStore(t, "dir/f")
	files := s.open(t, nil)
	for _, name := range []string{"/", "/dir"} {
		f, err := files.OpenToRead(name)
		if err != nil {
			t.Fatal(err)
		}
		names, err := f.Readdirnames(-1)
		if len(names) != 1 || err != nil {
			t.Errorf("%s: got %q, %v", name, names, err)
		}
		_ = f.Close()
	}
	if _, err := files.OpenToRead("/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

func TestOpenToReadSaysWhatHasFailed(t *testing.T) {
	answer := func(length, contentRange string, status int) func(int, http.ResponseWriter, *http.Request) bool {
		return func(n int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet {
				return false
			}
			w.Header().Set("Last-Modified", modified.Format(http.TimeFormat))
			w.Header().Set("ETag", `"1"`)
			w.Header().Set("Content-Length", length)
			if contentRange != "" {
				w.Header().Set("Content-Range", contentRange)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, strings.Repeat("x", 10))
			return true
		}
	}
	for _, tt := range []struct {
		name  string
		fault func(n int, w http.ResponseWriter, r *http.Request) bool
		want  error
	}{
		{"a store without ranges", answer("10", "", 200), nil},
		{"another part", answer("10", "bytes 10-19/100", 206), s3fs.ErrStore},
		{"less than the first part", answer("10", "bytes 0-9/100", 206), s3fs.ErrStore},
		{"a range that is none", answer("10", "bytes 0-9/*", 206), s3fs.ErrStore},
		{"no right", func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, http.StatusForbidden, "AccessDenied")
			return true
		}, fs.ErrPermission},
		{"a key that is no longer valid", func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, http.StatusForbidden, "InvalidAccessKeyId")
			return true
		}, s3fs.ErrStore},
		{"a store that is silent", func(_ int, _ http.ResponseWriter, r *http.Request) bool {
			<-r.Context().Done()
			return true
		}, s3fs.ErrStore},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, "f")
			files := s.open(t, func(c *s3fs.Config) { c.Timeout = 200 * time.Millisecond })
			s.setFault(tt.fault)
			f, err := files.OpenToRead("/f")
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			defer f.Close()
			if got, err := io.ReadAll(f); string(got) != strings.Repeat("x", 10) || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// Parts that follow are of the version that the first one was of.
func TestAFileThatIsReplacedAfterItsFirstPartIsAnError(t *testing.T) {
	s := newStore(t)
	s.put("f", pattern(3<<20))
	files := s.open(t, nil)
	f, err := files.OpenToRead("/f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s.put("f", pattern(4<<20))
	if n, err := io.Copy(io.Discard, f); n != 1<<20 || !errors.Is(err, s3fs.ErrChanged) {
		t.Errorf("got %d bytes, %v, want the first part and ErrChanged", n, err)
	}
}

// A server looks at the first bytes to guess a type, and then sends the file from its beginning.
func TestTheBeginningCanBeReadTwice(t *testing.T) {
	const size = 2 << 20
	s := newStore(t)
	s.put("f", pattern(size))
	files := vfs.Of(s.open(t, nil))
	f, err := vfs.OpenToRead(files, "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s.forget()
	begin := make([]byte, 16<<10)
	for range 3 {
		clear(begin)
		if n, err := f.ReadAt(begin, 0); n != len(begin) || err != nil || !bytes.Equal(begin, pattern(len(begin))) {
			t.Fatalf("got %d bytes, %v", n, err)
		}
	}
	got := make([]byte, size)
	if n, err := f.ReadAt(got, 0); n != size || err != nil || !bytes.Equal(got, pattern(size)) {
		t.Errorf("got %d bytes, %v", n, err)
	}
	if diff := cmp.Diff([]string{"GET f bytes=1048576-2097151"}, s.forget()); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
}

// With a cache, Open must know the version before anything is read.
func TestOpenToReadReadsFromTheCache(t *testing.T) {
	s := newStore(t)
	s.put("f", pattern(1000))
	cache, err := s3fs.OpenCache(t.TempDir()+"/cache", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	files := s.open(t, func(c *s3fs.Config) { c.Cache = cache })
	if files.OpensToRead() {
		t.Error("OpensToRead says that it saves a request")
	}
	f, err := files.OpenToRead("/f")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); !bytes.Equal(got, pattern(1000)) || err != nil {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	_ = f.Close()
	if diff := cmp.Diff([]string{"HEAD f", "GET f bytes=0-999"}, s.forget()); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
	_ = files.Close()
}
