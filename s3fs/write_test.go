package s3fs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"sluice/internal/partial"
	"sluice/internal/upload"
	"sluice/internal/vfs"
	"sluice/s3fs"
)

// changes returns those requests that change something.
func (s *store) changes() []string {
	all := slices.DeleteFunc(s.forget(), func(what string) bool {
		return strings.HasPrefix(what, "GET ") || strings.HasPrefix(what, "HEAD ")
	})
	for i, what := range all {
		if method, key, _ := strings.Cut(what, " "); partial.Is(path.Base(key)) {
			all[i] = method + " marker"
		}
	}
	return all
}

func TestWhatAnUploadSends(t *testing.T) {
	for _, tt := range []struct {
		name string
		size int
		want []string
	}{
		{"a small file by one request", 100, []string{"PUT f"}},
		{"a file of one part by one request", partSize, []string{"PUT f"}},
		{"a long file by parts", 2*partSize + 1, []string{
			"DELETE marker", "POST f upload", "POST f uploads", "PUT f part 1", "PUT f part 2", "PUT f part 3", "PUT marker",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			files := writable(t, s)
			if _, err := begin(t, new(upload.Store), targetOf(files, "/f"), pattern(tt.size)).Commit(int64(tt.size), nil); err != nil {
				t.Fatal(err)
			}
			got := s.changes()
			slices.Sort(got) // parts are sent in parallel
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPartsGrow(t *testing.T) {
	const memory = 256 << 20
	for _, tt := range []struct{ number, want int64 }{
		{1, 8 << 20}, {250, 8 << 20}, {251, 16 << 20}, {500, 16 << 20}, {501, 32 << 20}, {751, 64 << 20}, {10_000, 64 << 20},
	} {
		if got := s3fs.PartSize(int(tt.number), memory); got != tt.want {
			t.Errorf("part %d has %d bytes, want %d", tt.number, got, tt.want)
		}
	}
	total := int64(0)
	for number := 1; number <= 10_000; number++ {
		total += s3fs.PartSize(number, 2_500<<20)
	}
	if total < 5<<40 {
		t.Errorf("with 2.5 GiB of memory a file has at most %d bytes, want 5 TiB", total)
	}
}

// faults are ways in which a request fails for once.
var faults = []struct {
	name string
	fail func(s *store, w http.ResponseWriter, r *http.Request)
}{
	{"the store asks to slow down", func(_ *store, w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
	}},
	{"the connection is reset before the request is done", func(*store, http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}},
	{"the connection is reset after the request is done", func(s *store, _ http.ResponseWriter, r *http.Request) {
		s.Change(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}},
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

func TestAnUploadSurvivesAFault(t *testing.T) {
	for _, fault := range faults {
		for _, size := range []int64{10, 2*partSize + 1} {
			for nth := range int64(7) {
				if size == 10 && nth > 0 {
					continue
				}
				policies := []upload.Existing{upload.Replace}
				if makesObject := size == 10 || nth == 5; makesObject {
					policies = append(policies, upload.Leave)
				}
				for _, existing := range policies {
					t.Run(fmt.Sprintf("%s %d %d %d", fault.name, size, nth, existing), func(t *testing.T) {
						t.Parallel()
						s := newStore(t)
						files := writable(t, s)
						var changes atomic.Int64
						s.setFault(func(_ int, w http.ResponseWriter, r *http.Request) bool {
							if isRead(r) || changes.Add(1) != nth+1 {
								return false
							}
							fault.fail(s, w, r)
							return true
						})
						at := targetOf(files, "/f")
						at.Existing = existing
						_, err := begin(t, new(upload.Store), at, pattern(int(size))).Commit(size, nil)
						if err != nil {
							t.Error(err)
						}
						s.setFault(nil)
						wantFile(t, files, "f", pattern(int(size)))
						isOrphan := size > 10 && nth == 0 && fault.name == faults[2].name // nobody knows its ID
						if n := s.unfinished(); n != 0 && !isOrphan {
							t.Errorf("%d multipart uploads are left", n)
						}
					})
				}
			}
		}
	}
}

func TestAnUploadThatFailsIsKept(t *testing.T) {
	const size = 3*partSize + 1
	broken := func(w http.ResponseWriter) bool {
		refuse(w, http.StatusForbidden, "AccessDenied")
		return true
	}
	for _, tt := range []struct {
		name  string
		fault func(w http.ResponseWriter, r *http.Request) bool
		kept  int64
	}{
		{"when a part is refused", func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Query().Get("partNumber") == "2" && broken(w)
		}, partSize},
		{"when the last part is refused", func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Query().Get("partNumber") == "4" && broken(w)
		}, size},
		{"when the end is refused", func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") && broken(w)
		}, size},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			files := writable(t, s)
			mustPut(t, files, "f")
			s.setFault(func(_ int, w http.ResponseWriter, r *http.Request) bool { return tt.fault(w, r) })
			var uploads upload.Store
			at := targetOf(files, "/f")
			u, err := uploads.Create(at)
			if err != nil {
				t.Fatal(err)
			}
			content := pattern(size)
			n, err := u.Writer().WriteAt(content, 0)
			var kept int64
			if err != nil {
				kept = u.Abort(int64(n), err)
			} else {
				kept, err = u.Commit(size, nil)
			}
			if err == nil || kept != tt.kept {
				t.Fatalf("%d bytes are kept, %v; want %d", kept, err, tt.kept)
			}
			wantFile(t, files, "f", []byte("f"))
			s.setFault(nil)
			at.Resume = kept
			if u, err = uploads.WriteFrom(t.Context(), at, kept); err != nil {
				t.Fatal(err)
			}
			if _, err := u.Writer().WriteAt(content[kept:], kept); err != nil {
				t.Fatal(err)
			}
			if _, err := u.Commit(size, nil); err != nil {
				t.Fatal(err)
			}
			wantFile(t, files, "f", content)
			wantNames(t, files, "/", "f")
			if n := s.unfinished(); n != 0 {
				t.Errorf("%d multipart uploads are left", n)
			}
		})
	}
}

// A server that is killed cannot say that it has. So its uploads are found after a while.
func TestTheUploadOfAKilledServerIsContinued(t *testing.T) {
	const size = 4 * partSize
	s := newStore(t)
	killed := s.open(t, func(c *s3fs.Config) { c.Writable, c.PartSize = true, partSize })
	content := pattern(size)
	begin(t, new(upload.Store), targetOf(killed, "/f"), content[:3*partSize+5])
	waitFor(t, func() bool { return s.parts() == 3 })
	_ = killed.Close()

	files := writable(t, s)
	var uploads upload.Store
	at := targetOf(files, "/f")
	_, err := uploads.Kept(at.Writer, at.Name)
	wantError(t, "Kept of an upload that may be active", err, fs.ErrNotExist)
	s.MakeOld()
	info, err := uploads.Kept(at.Writer, at.Name)
	if err != nil || info.Size() != 3*partSize {
		t.Fatalf("got %v, %v", info, err)
	}
	at.Resume = info.Size()
	u, err := uploads.WriteFrom(t.Context(), at, at.Resume)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Writer().WriteAt(content[at.Resume:], at.Resume); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Commit(size, nil); err != nil {
		t.Fatal(err)
	}
	wantFile(t, files, "f", content)
	if keys := s.Keys(); len(keys) != 1 || s.unfinished() != 0 {
		t.Errorf("there are %q and %d multipart uploads", keys, s.unfinished())
	}
}

// waitFor waits until a condition holds.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it takes too long")
		}
	}
}

func TestADamagedPartIsRefused(t *testing.T) {
	s := newStore(t)
	files := writable(t, s)
	s.setFault(func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("partNumber") == "1" {
			body, _ := io.ReadAll(r.Body)
			body[7]++
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return false
	})
	if err := putFile(files, "f", pattern(2*partSize+1)); err == nil {
		t.Error("got no error")
	}
	wantNames(t, files, "/")
}

func TestARenameThatFailsInTheMiddleSaysThatBothNamesExist(t *testing.T) {
	s := newStore(t)
	files := writable(t, s)
	mustPut(t, files, "a", "d/x", "d/y")
	s.setFault(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		isDelete := r.Method == http.MethodDelete || r.URL.Query().Has("delete")
		if isDelete {
			refuse(w, http.StatusForbidden, "AccessDenied")
		}
		return isDelete
	})
	for from, to := range map[string]string{"a": "b", "d": "e"} {
		if err := files.Rename(from, to); err == nil || !strings.Contains(err.Error(), "both names exist") {
			t.Errorf("got %v", err)
		}
	}
	wantNames(t, files, "/", "a", "b", "d/", "e/")
}

func TestADirectoryOfWhichAFileCannotBeCopiedIsNotRenamed(t *testing.T) {
	s := newStore(t)
	files := writable(t, s)
	for i := range 20 {
		mustPut(t, files, fmt.Sprintf("d/%02d", i))
	}
	s.setFault(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		isBad := strings.HasSuffix(r.URL.Path, "e/15")
		if isBad {
			refuse(w, http.StatusForbidden, "AccessDenied")
		}
		return isBad
	})
	if err := files.Rename("d", "e"); err == nil {
		t.Error("got no error")
	}
	s.setFault(nil)
	wantNames(t, files, "/", "d/")
	if got := names(t, files, "d"); len(got) != 20 {
		t.Errorf("the directory has %d entries", len(got))
	}
}

// For every n, the n-th request that changes something is refused, and all after it. Then each file is there under one of its
// names, the old or the new one.
func TestNoRefusedRequestLosesAFile(t *testing.T) {
	long := pattern(2*partSize + 1)
	for _, tt := range []struct {
		name   string
		change func(files *s3fs.FS) error
	}{
		{"a renamed file", func(files *s3fs.FS) error { return files.Rename("d/a", "x") }},
		{"a file that replaces another", func(files *s3fs.FS) error { return files.Rename("d/a", "a") }},
		{"a renamed directory", func(files *s3fs.FS) error { return files.Rename("d", "x") }},
		{"a removed file", func(files *s3fs.FS) error { return files.Remove("other/f") }},
		{"a replaced file", func(files *s3fs.FS) error { return putFile(files, "other/f", long) }},
		{"a replaced file, by package upload", func(files *s3fs.FS) error {
			var s upload.Store
			u, err := s.Create(targetOf(files, "/other/f"))
			if err != nil {
				return err
			}
			if n, err := u.Writer().WriteAt(long, 0); err != nil {
				u.Abort(int64(n), err)
				return err
			}
			_, err = u.Commit(int64(len(long)), nil)
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n, isDone := int64(1), false; !isDone; n++ {
				s := newStore(t)
				files := writable(t, s)
				mustPut(t, files, "d/a", "d/b", "d/c/e", "other/f")
				var changes atomic.Int64
				s.setFault(func(_ int, w http.ResponseWriter, r *http.Request) bool {
					if isRead(r) || changes.Add(1) < n {
						return false
					}
					refuse(w, http.StatusForbidden, "AccessDenied")
					return true
				})
				err := tt.change(files)
				s.setFault(nil)
				isDone = changes.Load() < n
				if isDone && err != nil {
					t.Errorf("without a fault: %v", err)
				}
				for _, name := range []string{"a", "b", "c/e"} {
					if !hasFile(files, name, "d/"+name, "x/"+name, "x", "a") {
						t.Errorf("request %d: %s is lost: %v", n, name, err)
					}
				}
				got, readErr := afero.ReadFile(files, "other/f")
				isOld, isNew := string(got) == "other/f", bytes.Equal(got, long)
				if !isOld && !isNew && !errors.Is(readErr, fs.ErrNotExist) || err != nil && isNew {
					t.Errorf("request %d: the file has %d bytes, %v; %v", n, len(got), readErr, err)
				}
				if n > 20 {
					t.Fatal("the change has no end")
				}
			}
		})
	}
}

// hasFile reports whether one of the names is that of a file whose content is d/name.
func hasFile(files afero.Fs, name string, names ...string) bool {
	return slices.ContainsFunc(names, func(other string) bool {
		got, err := afero.ReadFile(files, other)
		return err == nil && string(got) == "d/"+name
	})
}

func TestUploadsShareTheirMemory(t *testing.T) {
	s := newStore(t)
	files := s.open(t, func(c *s3fs.Config) { c.Writable, c.PartSize, c.UploadMemory = true, partSize, 2*partSize })
	content := pattern(3*partSize + 1)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := putFile(files, fmt.Sprint(i), content); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if free := files.FreeMemory(); free != 2*partSize {
		t.Errorf("%d bytes are free", free)
	}
	for i := range 8 {
		wantFile(t, files, fmt.Sprint(i), content)
	}
}

func TestSlowUploadsOfSmallFilesTakeLittleMemory(t *testing.T) {
	s := newStore(t)
	files := s.open(t, func(c *s3fs.Config) {
		c.Writable, c.PartSize, c.UploadMemory, c.Timeout = true, partSize, 4*partSize, time.Second
	})
	content := pattern(200 << 10)
	slow := make([]afero.File, 40)
	for i := range slow {
		f, err := files.Create(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		slow[i] = f
		if _, err := f.Write(content); err != nil {
			t.Fatalf("file %d: %v", i, err)
		}
	}
	for i, f := range slow {
		if err := f.Close(); err != nil {
			t.Errorf("file %d: %v", i, err)
		}
		wantFile(t, files, fmt.Sprint(i), content)
	}
	if free := files.FreeMemory(); free != 4*partSize {
		t.Errorf("%d bytes are free", free)
	}
}

// All uploads have a part of the memory when it is used up. Each needs more, and one after the other gets it.
func TestUploadsThatHaveMemoryAndNeedMoreDoNotBlockEachOther(t *testing.T) {
	s := newStore(t)
	files := s.open(t, func(c *s3fs.Config) { c.Writable, c.PartSize, c.UploadMemory = true, partSize, 2*partSize })
	content := pattern(2*partSize + 1)
	var all []afero.File
	for i := range 5 {
		f, err := files.Create(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(content[:1<<20]); err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	var done sync.WaitGroup
	for _, f := range all {
		done.Go(func() {
			if _, err := f.Write(content[1<<20:]); err != nil {
				t.Error(err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	for i := range all {
		wantFile(t, files, fmt.Sprint(i), content)
	}
	if free := files.FreeMemory(); free != 2*partSize {
		t.Errorf("%d bytes are free", free)
	}
}

func TestAnUploadWaitsForMemoryOnlyForTheTimeout(t *testing.T) {
	s := newStore(t)
	files := s.open(t, func(c *s3fs.Config) {
		c.Writable, c.PartSize, c.UploadMemory, c.Timeout = true, partSize, partSize, 200*time.Millisecond
	})
	slow, err := files.Create("slow")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Write(pattern(1 << 20)); err != nil {
		t.Fatal(err)
	}
	err = putFile(files, "f", pattern(1<<20))
	wantError(t, "Write", err, s3fs.ErrStore)
	if err == nil || !strings.Contains(err.Error(), "too many uploads") {
		t.Errorf("got %v", err)
	}
	if err := slow.Close(); err != nil {
		t.Error(err)
	}
	if err := putFile(files, "f", pattern(1<<20)); err != nil {
		t.Error(err)
	}
}

func TestAnAbortedUploadLeavesNothing(t *testing.T) {
	s := newStore(t)
	files := writable(t, s)
	u := begin(t, new(upload.Store), targetOf(files, "/f"), pattern(3*partSize))
	u.Abort(3*partSize, upload.ErrUntrusted)
	if keys := s.Keys(); len(keys) != 0 || s.unfinished() != 0 {
		t.Errorf("there are %q and %d multipart uploads", keys, s.unfinished())
	}
}

// A store goes on with a request whose client has gone, if it has all bytes. A part that it finishes after the end of the
// upload would stay there, in no listing.
func TestAnUploadIsAbortedWhenTheStoreHasDoneItsParts(t *testing.T) {
	const parts = 3
	s := newStore(t)
	files := writable(t, s)
	began, goOn, cut := make(chan struct{}, parts), make(chan struct{}), make(chan string, parts+1)
	var done atomic.Int32
	s.setFault(func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.Method == http.MethodPut && r.URL.Query().Has("partNumber"):
			content, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(content))
			began <- struct{}{}
			select {
			case <-goOn:
			case <-r.Context().Done():
				cut <- "a part was given up"
			}
			done.Add(1)
		case r.Method == http.MethodDelete && r.URL.Query().Has("uploadId") && done.Load() < parts:
			cut <- "the upload was ended"
		}
		return false
	})
	u := begin(t, new(upload.Store), targetOf(files, "/f"), pattern(parts*partSize+1))
	for range parts {
		<-began
	}
	aborted := make(chan struct{})
	go func() {
		defer close(aborted)
		u.Abort(0, upload.ErrUntrusted)
	}()
	select {
	case what := <-cut:
		t.Errorf("%s while the store had all bytes of the parts", what)
	case <-time.After(100 * time.Millisecond): // it has had the time for it
	}
	close(goOn)
	<-aborted
	if keys := s.Keys(); len(keys) != 0 || s.unfinished() != 0 {
		t.Errorf("there are %q and %d multipart uploads", keys, s.unfinished())
	}
}

// A part of which the store has not got all bytes is given up at once.
func TestAnAbortDoesNotWaitForBytesThatTheStoreDoesNotTake(t *testing.T) {
	const long = 16 << 20 // the kernel has no room for it
	s := newStore(t)
	files := s.open(t, func(c *s3fs.Config) { c.Writable, c.PartSize = true, long })
	began, aborted := make(chan struct{}, 1), make(chan struct{})
	s.setFault(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		isPart := r.Method == http.MethodPut && r.URL.Query().Has("partNumber")
		if isPart {
			began <- struct{}{}
			<-aborted
			refuse(w, http.StatusBadRequest, "RequestTimeout")
		}
		return isPart
	})
	u := begin(t, new(upload.Store), targetOf(files, "/f"), pattern(long+1))
	<-began
	begun := time.Now()
	u.Abort(0, upload.ErrUntrusted)
	close(aborted)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if keys := s.Keys(); len(keys) != 0 || s.unfinished() != 0 {
		t.Errorf("there are %q and %d multipart uploads", keys, s.unfinished())
	}
}

func TestCloseOfAnFSEndsUploads(t *testing.T) {
	s := newStore(t)
	files := s.open(t, func(c *s3fs.Config) { c.Writable, c.PartSize = true, partSize })
	f, err := files.Create("f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(pattern(100)); err != nil {
		t.Fatal(err)
	}
	_ = files.Close()
	if err := f.Close(); err == nil {
		t.Error("got no error")
	}
	if keys := s.Keys(); len(keys) != 0 {
		t.Errorf("there are %q", keys)
	}
}

func TestALongDirectoryIsReadPageByPage(t *testing.T) {
	keys := make([]string, 2500)
	for i := range keys {
		keys[i] = fmt.Sprintf("d/%04d", i)
	}
	s := newStore(t, keys...)
	tree := vfs.Of(s.open(t, nil))
	if _, err := tree.Stat("/"); err != nil { // finds out how the names are
		t.Fatal(err)
	}
	s.forget()
	d, err := vfs.OpenDir(tree, "/d", vfs.Openable)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	some, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	lists := len(slices.DeleteFunc(s.forget(), func(what string) bool { return what != "GET " }))
	if lists > 3 { // two say that it is a directory
		t.Errorf("%d pages were read for the first %d entries", lists, len(some))
	}
	got := len(some)
	for err == nil {
		some, err = d.Next()
		got += len(some)
	}
	if err != io.EOF || got != len(keys) {
		t.Errorf("got %d entries, %v", got, err)
	}
}

func TestAFileOfABucketWithVersionsIsReadAsItWasOpened(t *testing.T) {
	s := newStore(t)
	s.put("f", pattern(3<<20))
	files := s.open(t, nil)
	var isReplaced atomic.Bool
	s.setFault(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("X-Amz-Version-Id", "one")
		if r.Method == http.MethodGet && isReplaced.Load() && r.URL.Query().Get("versionId") != "one" {
			refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
			return true
		}
		return false
	})
	f, err := files.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	isReplaced.Store(true)
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, pattern(3<<20)) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestKeysThatAreNoPathsAreReportedOnce(t *testing.T) {
	s := newStore(t, "a", "a/b", "x//y", "../z", "./", "ok/", "ok/f")
	var got []string
	files := s.open(t, func(c *s3fs.Config) { c.OnProblem = func(key, _ string) { got = append(got, key) } })
	for range 2 {
		for _, dir := range []string{"/", "/x", "/ok"} {
			names(t, files, dir)
		}
	}
	if diff := cmp.Diff([]string{"../", "./", "a/", "x//"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAfero(t *testing.T) {
	files := writable(t, newStore(t))
	if err := errors.Join(files.MkdirAll("/a/b", 0o755), afero.WriteFile(files, "/a/b/c", []byte("c"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if ok, err := afero.Exists(files, "/a/b/c"); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	if _, err := afero.TempFile(files, "/a", "x"); err != nil {
		t.Errorf("TempFile: %v", err)
	}
}
