package httpd_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd"
)

// fault makes one call of a file system fail.
type fault struct {
	mu     sync.Mutex // guards the fields below
	only   string     // the name of the calls that count
	left   int        // number of the call, counted from 1; 0: none fails
	err    error
	failed bool           // whether it has failed
	calls  map[string]int // how often each was called
}

func (f *fault) try(call string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = make(map[string]int)
	}
	f.calls[call]++
	if f.left == 0 || call != f.only {
		return nil
	}
	if f.left--; f.left > 0 {
		return nil
	}
	f.failed = true
	return &fs.PathError{Op: call, Path: "x", Err: f.err}
}

// breakable is a file system with a fault.
type breakable struct {
	afero.Fs
	fault *fault
}

// breakableFile is a file of it.
type breakableFile struct {
	afero.File
	fault *fault
}

func (b *breakable) open(call string, open func() (afero.File, error)) (afero.File, error) {
	if err := b.fault.try(call); err != nil {
		return nil, err
	}
	f, err := open()
	if err != nil {
		return nil, err
	}
	return &breakableFile{f, b.fault}, nil
}

func (b *breakable) Open(name string) (afero.File, error) {
	return b.open("Open", func() (afero.File, error) { return b.Fs.Open(name) })
}

func (b *breakable) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	return b.open("OpenFile", func() (afero.File, error) { return b.Fs.OpenFile(name, flag, perm) })
}

func (b *breakable) Stat(name string) (fs.FileInfo, error) {
	if err := b.fault.try("Stat"); err != nil {
		return nil, err
	}
	return b.Fs.Stat(name)
}

func (b *breakable) Rename(from, to string) error {
	if err := b.fault.try("Rename"); err != nil {
		return err
	}
	return b.Fs.Rename(from, to)
}

func (b *breakable) Remove(name string) error {
	if err := b.fault.try("Remove"); err != nil {
		return err
	}
	return b.Fs.Remove(name)
}

func (f *breakableFile) Write(p []byte) (int, error) {
	if err := f.fault.try("Write"); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f *breakableFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fault.try("Write"); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f *breakableFile) Sync() error {
	if err := f.fault.try("Sync"); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *breakableFile) Close() error {
	err := f.fault.try("Close")
	return errors.Join(f.File.Close(), err)
}

// TestTheNthCallFails lets each call of the file system fail in its turn: the file is the
// old one and the status says so, or it is the new one. After a failed sync of the
// directory it is the new one, and the response is a 500 that says so.
func TestTheNthCallFails(t *testing.T) {
	content := strings.Repeat("new", 100_000)
	for _, request := range []string{"PUT /f", "PUT /new", "DELETE /f"} {
		for errno, want := range map[error]int{syscall.ENOSPC: 507, syscall.EDQUOT: 507, syscall.EIO: 500} {
			method, name, _ := strings.Cut(request, " ")
			seen := map[string]int{} // status by the call that has failed
			for _, call := range []string{"Open", "OpenFile", "Stat", "Rename", "Remove", "Write", "Sync", "Close"} {
				for n := 1; ; n++ {
					if n > 1000 {
						t.Fatal("the calls do not end")
					}
					status, failed := changeWithFault(t, method, name, content, &fault{only: call, err: errno}, n)
					if !failed {
						break
					}
					seen[call] = max(seen[call], status)
				}
			}
			must := []string{"Write", "Sync", "Rename"}
			if method == "DELETE" {
				must = []string{"Remove"}
			}
			for _, call := range must {
				if seen[call] != want && (method == "PUT" || want == 500) {
					t.Errorf("%s, %v of %s: status %d, want %d", request, errno, call, seen[call], want)
				}
			}
		}
	}
}

// changeWithFault sends a request while the n-th call of broken.only fails, checks the
// file afterwards, and reports whether there was such a call.
func changeWithFault(t *testing.T, method, name, content string, broken *fault, n int) (status int, failed bool) {
	t.Helper()
	fsys := afero.NewMemMapFs()
	fill(t, fsys, map[string]string{"f": "old"})
	old, after := contentOf(t, fsys, name), content
	if method == "DELETE" {
		after = "-"
	}
	h := &httpd.Handler{FS: &breakable{fsys, broken}, Write: writing, CacheValid: -1}
	url, _ := serveFS(t, h, nil)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/f", nil)) // looks at the root once
	broken.mu.Lock()
	broken.left = n
	broken.mu.Unlock()
	resp, text := send(t, http.DefaultClient, method, url+name, strings.NewReader(content))
	broken.mu.Lock()
	broken.left = 0
	failed = broken.failed
	broken.mu.Unlock()
	what := fmt.Sprintf("%s %s, %v of %s %d: %s %q", method, name, broken.err, broken.only, n, resp.Status, text)
	isMade := strings.Contains(text, "The change was made") // and its directory was not synced
	want := old
	if isMade || resp.StatusCode/100 == 2 {
		want = after
	}
	if got := contentOf(t, fsys, name); got != want {
		t.Errorf("%s, and the file has %d bytes, want %d", what, len(got), len(want))
	}
	if isMade && resp.StatusCode != 500 || strings.Contains(text, broken.err.Error()) {
		t.Error(what)
	}
	return resp.StatusCode, failed
}

func TestAnAcknowledgedUploadIsSyncedByTheDurability(t *testing.T) {
	for level, want := range map[httpd.Durability]bool{
		httpd.DurabilityFull: true, httpd.DurabilityStrict: true, httpd.DurabilityRename: true, httpd.DurabilityNone: false,
	} {
		calls := &fault{}
		url, _ := serveFS(t, &httpd.Handler{FS: &breakable{afero.NewMemMapFs(), calls}, Write: writing, Durability: level}, nil)
		resp, _ := send(t, http.DefaultClient, "PUT", url+"/f", strings.NewReader("new"))
		calls.mu.Lock()
		if synced := calls.calls["Sync"] > 0; synced != want || resp.StatusCode != 201 {
			t.Errorf("%v: %s, synced %v, want %v", level, resp.Status, synced, want)
		}
		calls.mu.Unlock()
	}
}

func FuzzChecksumsAndTimes(f *testing.F) {
	for _, seed := range [][2]string{
		{"sha-256=:" + strings.Repeat("A", 43) + "=:", "1500000000"}, {"sha-512=::", "-1.5"}, {"a=1,,b;c=:;", "1e9"}, {"", ""},
		{"md5=:AA==:, sha-256=:x:", "9223372036854775807"}, {"=,", "0."}, {"sha-256=:", "00.000000000000"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, field, text string) {
		if n, err := httpd.ParseDigests(field, field); err == nil && n > 4 {
			t.Errorf("%q has %d checksums", field, n)
		}
		when, err := httpd.ParseMtime(text)
		if err == nil && !time.Unix(0, when.UnixNano()).Equal(when) {
			t.Errorf("%q is %v, which no file can have", text, when)
		}
	})
}

func TestTimesAreParsed(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "1500000000": "1500000000000000000", "1500000000.25": "1500000000250000000", "-1": "-1000000000",
		"-1.5": "-1500000000", "1.1234567891": "1123456789", "": "no", "1.": "no", "1.x": "no", ".5": "no", "1e3": "no",
		"9999999999999": "no", "1 ": "no",
	} {
		got := "no"
		if when, err := httpd.ParseMtime(text); err == nil {
			got = fmt.Sprint(when.UnixNano())
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}
