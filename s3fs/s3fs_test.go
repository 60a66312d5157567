package s3fs_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/s3fs"
)

func TestABucketIsAFileSystem(t *testing.T) {
	s := newStore(t, "a", "dir/b", "dir/sub/c", "dir/sub/d", "e e/ü", "empty/")
	if err := fstest.TestFS(afero.NewIOFS(s.open(t, nil)), "a", "dir/b", "dir/sub/c", "e e/ü"); err != nil {
		t.Error(err)
	}
}

func TestAPrefixIsTheRoot(t *testing.T) {
	s := newStore(t, "a", "dir/b", "dir/sub/c", "dirt")
	for _, prefix := range []string{"dir", "dir/", "/dir"} {
		files := s.open(t, func(c *s3fs.Config) { c.Prefix = prefix })
		if err := fstest.TestFS(afero.NewIOFS(files), "b", "sub/c"); err != nil {
			t.Error(err)
		}
		if got := names(t, files, "/"); !slices.Equal(got, []string{"b", "sub/"}) {
			t.Errorf("prefix %q: got %q", prefix, got)
		}
	}
}

// names returns the entries of a directory, with a slash behind those that are directories.
func names(t *testing.T, files afero.Fs, name string) (all []string) {
	t.Helper()
	d, err := files.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	entries, err := d.Readdir(-1)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			all = append(all, e.Name()+"/")
		} else {
			all = append(all, e.Name())
		}
	}
	return all
}

func TestListings(t *testing.T) {
	many := make([]string, 2500)
	for i := range many {
		many[i] = fmt.Sprintf("m/%04d", i)
	}
	for _, tt := range []struct {
		name string
		keys []string
		dir  string
		want []string
	}{
		{"an empty bucket has an empty root", nil, "/", nil},
		{"a marker makes an empty directory", []string{"d/"}, "/d", nil},
		{"keys that are no paths are left out", []string{"//x", "./y", "../z", "a//b", "a/c"}, "/", []string{"a/"}},
		{"an empty element is in no listing", []string{"a//b", "a/c"}, "/a", []string{"c"}},
		{"a file hides the directory of its name", []string{"a", "a-b", "a/c", "a.d"}, "/", []string{"a", "a-b", "a.d"}},
		{"a file hides no other directory", []string{"a", "ab/c", "a-b/c"}, "/", []string{"a", "a-b/", "ab/"}},
		{"there are more entries than a page has", many, "/m", strings.Split(strings.ReplaceAll(strings.Join(many, " "), "m/", ""), " ")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := newStore(t, tt.keys...).open(t, nil)
			if diff := cmp.Diff(tt.want, names(t, files, tt.dir)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestADirectoryIsReadInParts(t *testing.T) {
	keys := make([]string, 1200)
	for i := range keys {
		keys[i] = fmt.Sprintf("%04d", i)
	}
	files := newStore(t, keys...).open(t, nil)
	d, err := files.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for range 2 {
		var got []string
		for {
			some, err := d.Readdirnames(500)
			got = append(got, some...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, keys) {
			t.Errorf("got %d names, want %d", len(got), len(keys))
		}
		if _, err := d.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStat(t *testing.T) {
	files := newStore(t, "a", "dir/b").open(t, nil)
	info, err := files.Stat("/a")
	if err != nil {
		t.Fatal(err)
	}
	if o := info.Sys().(*s3fs.Object); info.Size() != 1 || !info.ModTime().Equal(modified) || info.IsDir() || o.ETag != `"1"` {
		t.Errorf("got %v %v %v %+v", info.Size(), info.ModTime(), info.Mode(), o)
	}
	for name, want := range map[string]error{"/dir": nil, "/": nil, "/di": fs.ErrNotExist, "/a/b": fs.ErrNotExist, "/../a": nil} {
		if info, err := files.Stat(name); !errors.Is(err, want) || err == nil && info.IsDir() != (name != "/../a") {
			t.Errorf("%s: got %v, %v, want %v", name, info, err, want)
		}
	}
}

// MinIO and versitygw have a file of the name, and refuse the request for one that is too long for it.
func TestANameThatIsTooLongForTheStoreIsNoFailureOfIt(t *testing.T) {
	s := newStore(t, "a")
	files := s.open(t, nil)
	s.setFault(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusBadRequest)
		}
		return r.Method == http.MethodHead
	})
	for name, want := range map[string]error{
		"d/" + strings.Repeat("n", 256): syscall.ENAMETOOLONG, strings.Repeat("n", 256) + "/f": syscall.ENAMETOOLONG,
		strings.Repeat("n", 255) + "/f": s3fs.ErrStore,
	} {
		_, err := files.Stat(name)
		wantError(t, "Stat", err, want)
	}
}

// open opens a file of n bytes of the pattern.
func (s *store) openPattern(t *testing.T, n int, change func(*s3fs.Config)) afero.File {
	t.Helper()
	content := make([]byte, n)
	nettest.PatternAt(content, 0)
	s.put("f", content)
	f, err := s.open(t, change).Open("f")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	s.forget()
	return f
}

func TestAFileIsReadInGrowingParts(t *testing.T) {
	const size = 30 << 20
	s := newStore(t)
	f := s.openPattern(t, size, nil)
	sum := sha256.New()
	if n, err := io.Copy(sum, f); n != size || err != nil {
		t.Fatalf("got %d bytes, %v", n, err)
	}
	if want := nettest.PatternSum(0, size); !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Error("other bytes")
	}
	want := []string{"GET f bytes=0-1048575", "GET f bytes=1048576-5242879", "GET f bytes=5242880-22020095", "GET f bytes=22020096-31457279"}
	if diff := cmp.Diff(want, s.forget()); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
}

func TestSeekAsksForAsLittleAsItCan(t *testing.T) {
	const size = 8 << 20
	for _, tt := range []struct {
		name  string
		steps func(f afero.File) error
		want  []string
	}{
		{"nothing is asked for before something is read", func(f afero.File) error {
			_, err := f.Seek(5, io.SeekStart)
			return err
		}, nil},
		{"the end is known", func(f afero.File) error {
			end, err := f.Seek(0, io.SeekEnd)
			if err == nil && end != size {
				err = fmt.Errorf("the end is at %d", end)
			}
			return err
		}, nil},
		{"a read in the middle begins there", func(f afero.File) error {
			return readSome(f, 4<<20, 100)
		}, []string{"GET f bytes=4194304-5242879"}},
		{"a small step forwards reads on", func(f afero.File) error {
			return errors.Join(readSome(f, 0, 100), readSome(f, 100_000, 100), readSome(f, 100_200, 100))
		}, []string{"GET f bytes=0-1048575"}},
		{"a step backwards asks again", func(f afero.File) error {
			return errors.Join(readSome(f, 1000, 100), readSome(f, 0, 100))
		}, []string{"GET f bytes=1000-1049575", "GET f bytes=0-1048575"}},
		{"a large step forwards asks again", func(f afero.File) error {
			return errors.Join(readSome(f, 0, 100), readSome(f, 800_000, 100))
		}, []string{"GET f bytes=0-1048575", "GET f bytes=800000-1848575"}},
		{"the last bytes are all that is asked for", func(f afero.File) error {
			return readSome(f, size-10, 10)
		}, []string{"GET f bytes=8388598-8388607"}},
		{"ReadAt moves nothing", func(f afero.File) error {
			b := make([]byte, 10)
			_, err := f.ReadAt(b, 7)
			return errors.Join(err, readSome(f, 0, 10))
		}, []string{"GET f bytes=7-16", "GET f bytes=0-1048575"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			f := s.openPattern(t, size, nil)
			if err := tt.steps(f); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, s.forget()); diff != "" {
				t.Errorf("requests (-want +got)\n%s", diff)
			}
		})
	}
}

// readSome reads n bytes of the pattern at off.
func readSome(f afero.File, off int64, n int) error {
	if _, err := f.Seek(off, io.SeekStart); err != nil {
		return err
	}
	got, want := make([]byte, n), make([]byte, n)
	if _, err := io.ReadFull(f, got); err != nil {
		return err
	}
	if nettest.PatternAt(want, off); !bytes.Equal(got, want) {
		return fmt.Errorf("other bytes at %d", off)
	}
	return nil
}

func TestAStoreThatFails(t *testing.T) {
	const size = 3 << 20
	cut := func(w http.ResponseWriter, r *http.Request, after int) { // the body of a part breaks off
		var from, to int
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
		content := make([]byte, to-from+1)
		nettest.PatternAt(content, int64(from))
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, size))
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Last-Modified", modified.Format(http.TimeFormat))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(content[:min(after, len(content))])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	for _, tt := range []struct {
		name  string
		fault func(n int, w http.ResponseWriter, r *http.Request) bool
		want  error
	}{
		{"503 is asked again", func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n%2 == 0 {
				return false
			}
			refuse(w, http.StatusServiceUnavailable, "SlowDown")
			return true
		}, nil},
		{"a body that breaks off is continued", func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n%2 == 0 {
				return false
			}
			cut(w, r, 300_000)
			return true
		}, nil},
		{"a body that always breaks off is an error", func(_ int, w http.ResponseWriter, r *http.Request) bool {
			cut(w, r, 0)
			return true
		}, s3fs.ErrStore},
		{"an object that was replaced is an error", func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n < 2 {
				return false
			}
			refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
			return true
		}, s3fs.ErrChanged},
		{"an object that was removed is an error", func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n < 2 {
				return false
			}
			refuse(w, http.StatusNotFound, "NoSuchKey")
			return true
		}, s3fs.ErrChanged},
		{"a right that was taken away is an error", func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n < 2 {
				return false
			}
			refuse(w, http.StatusForbidden, "AccessDenied")
			return true
		}, fs.ErrPermission},
		{"a store that ignores ranges is an error", func(_ int, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Last-Modified", modified.Format(http.TimeFormat))
			w.Header().Set("Content-Length", fmt.Sprint(size))
			return true
		}, s3fs.ErrStore},
		{"an answer with bytes of the object that has replaced it is an error", func(_ int, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Last-Modified", modified.Format(http.TimeFormat))
			w.Header().Set("ETag", `"1"`) // of the old one
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %s/%d", r.Header.Get("Range")[len("bytes="):], size+1))
			w.Header().Set("Content-Length", "1048576")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(make([]byte, 1<<20))
			return true
		}, s3fs.ErrChanged},
		{"a store that is silent is an error", func(n int, _ http.ResponseWriter, r *http.Request) bool {
			if n > 1 {
				<-r.Context().Done()
			}
			return n > 1
		}, s3fs.ErrStore},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			f := s.openPattern(t, size, func(c *s3fs.Config) { c.Timeout = time.Second })
			s.setFault(tt.fault)
			got, err := io.ReadAll(f)
			want := make([]byte, len(got))
			nettest.PatternAt(want, 0)
			switch {
			case !bytes.Equal(got, want):
				t.Error("other bytes")
			case tt.want == nil && (err != nil || len(got) != size):
				t.Errorf("got %d bytes, %v", len(got), err)
			case !errors.Is(err, tt.want):
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	s := newStore(t, "a")
	for _, tt := range []struct {
		name   string
		change func(*s3fs.Config)
		want   string
	}{
		{"no bucket", func(c *s3fs.Config) { c.Bucket = "" }, "no bucket is named"},
		{"another bucket", func(c *s3fs.Config) { c.Bucket = "other" }, "list bucket other at " + s.URL},
		{"no URL", func(c *s3fs.Config) { c.Endpoint = "ftp://x" }, `the endpoint "ftp://x" is not http(s)://HOST[:PORT]`},
		{"a URL with a path", func(c *s3fs.Config) { c.Endpoint = s.URL + "/x" }, "is not http(s)://HOST[:PORT]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := s3fs.Config{Endpoint: s.URL, Bucket: bucketName, Region: "us-east-1", AccessKey: "key", SecretKey: "secret"}
			tt.change(&c)
			if _, err := s3fs.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestEveryChangeIsRefused(t *testing.T) {
	files := newStore(t, "a", "d/b").open(t, nil)
	f, err := files.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	second := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"Create":    second(files.Create("x")),
		"OpenFile":  second(files.OpenFile("a", os.O_RDWR, 0)),
		"Mkdir":     files.Mkdir("x", 0o755),
		"MkdirAll":  files.MkdirAll("x", 0o755),
		"Remove":    files.Remove("a"),
		"RemoveAll": files.RemoveAll("d"),
		"Rename":    files.Rename("a", "x"),
		"Chmod":     files.Chmod("a", 0),
		"Chown":     files.Chown("a", 0, 0),
		"Chtimes":   files.Chtimes("a", modified, modified),
		"Write":     second(f.Write([]byte("x"))),
		"WriteAt":   second(f.WriteAt([]byte("x"), 0)),
		"Truncate":  f.Truncate(0),
	} {
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("%s: got %v, want EROFS", name, err)
		}
	}
	if got, err := afero.ReadFile(files, "a"); string(got) != "a" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestCloseEndsOpenFiles(t *testing.T) {
	s := newStore(t, "a")
	files := s.open(t, nil)
	f, err := files.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_ = files.Close()
	if _, err := io.ReadAll(f); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("got %v, want %v", err, fs.ErrClosed)
	}
	if _, err := files.Stat("a"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Stat: got %v, want %v", err, fs.ErrClosed)
	}
}
