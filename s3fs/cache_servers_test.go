package s3fs_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// Both servers send an object that is in the cache from the disk, as they send a file of a directory.
func TestTheServersSendACachedObjectBySendfile(t *testing.T) {
	const size = 2<<20 + 11
	for _, kind := range []struct {
		name  string
		serve func(t *testing.T, files afero.Fs) (get func() error, reported <-chan sendfile.Method)
	}{
		{"http, fast path", func(t *testing.T, files afero.Fs) (func() error, <-chan sendfile.Method) {
			return serveHTTP(t, files, size, false)
		}},
		{"http, net/http path", func(t *testing.T, files afero.Fs) (func() error, <-chan sendfile.Method) {
			return serveHTTP(t, files, size, true)
		}},
		{"ftp", func(t *testing.T, files afero.Fs) (func() error, <-chan sendfile.Method) {
			return serveFTP(t, files, size)
		}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			s := newStore(t)
			s.putPattern("f.bin", size)
			cache := newCache(t, 100<<20)
			get, reported := kind.serve(t, s.open(t, with(cache)))
			if err := get(); err != nil {
				t.Fatal(err)
			}
			if got := <-reported; got != sendfile.Copy {
				t.Errorf("the first response went by %v, want copy", got)
			}
			waitForCache(t, cache, "the fill", fills(1))
			s.forget()
			for range 3 {
				if err := get(); err != nil {
					t.Fatal(err)
				}
				if got := <-reported; got != sendfile.Sendfile && runtime.GOOS == "linux" {
					t.Errorf("a cached object went by %v, want sendfile", got)
				}
			}
			for _, r := range s.forget() {
				if r != "HEAD f.bin" {
					t.Errorf("the store was asked for %s", r)
				}
			}

			s.putPattern("f.bin", size+1) // by somebody else
			if err := get(); err == nil {
				t.Error("the old object was sent after it was replaced")
			}
		})
	}
}

// serveHTTP returns a function that checks a response with an object of n bytes of the pattern.
func serveHTTP(t *testing.T, files afero.Fs, n int, byNetHTTP bool) (get func() error, reported <-chan sendfile.Method) {
	methods := make(chan sendfile.Method, 10)
	h := httpd.FileServer(files)
	h.CacheValid = -1
	srv := &httpd.Server{Handler: h, NoFastPath: byNetHTTP, OnTransfer: func(r httpd.Transfer) { methods <- r.Method }}
	ln := listen(t)
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); _ = h.Close() })
	var first http.Header
	return func() error {
		resp, err := http.Get("http://" + ln.Addr().String() + "/f.bin")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		resp.Header.Del("Date")
		if first == nil {
			first = resp.Header
		}
		if diff := cmp.Diff(first, resp.Header); diff != "" {
			return fmt.Errorf("another header than the first (-first +now)\n%s", diff)
		}
		if got, want := resp.Header.Get("Last-Modified"), modified.Format(http.TimeFormat); got != want {
			return fmt.Errorf("modified on %q, want %q", got, want)
		}
		return checkPattern(resp.Body, n)
	}, methods
}

// serveFTP returns a function that checks a download of an object of n bytes of the pattern.
func serveFTP(t *testing.T, files afero.Fs, n int) (get func() error, reported <-chan sendfile.Method) {
	methods := make(chan sendfile.Method, 10)
	srv := &ftpd.Server{FS: files, OnTransfer: func(r ftpd.Transfer) { methods <- r.Method }}
	ln := listen(t)
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	c, err := textproto.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	do := func(want int, command string) (string, error) {
		if command != "" {
			if err := c.PrintfLine("%s", command); err != nil {
				return "", err
			}
		}
		_, text, err := c.ReadResponse(want)
		return text, err
	}
	for _, step := range []struct {
		want    int
		command string
	}{{220, ""}, {331, "USER anonymous"}, {230, "PASS x"}, {200, "TYPE I"}} {
		if _, err := do(step.want, step.command); err != nil {
			t.Fatal(err)
		}
	}
	return func() error {
		date, err := do(213, "MDTM f.bin")
		if err != nil || date != modified.Format("20060102150405") {
			return fmt.Errorf("MDTM: %q, %w", date, err)
		}
		text, err := do(229, "EPSV")
		if err != nil {
			return err
		}
		port := strings.Trim(text[strings.IndexByte(text, '('):], "(|)")
		host, _, _ := net.SplitHostPort(ln.Addr().String())
		data, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), 10*time.Second)
		if err != nil {
			return err
		}
		defer data.Close()
		if _, err := do(150, "RETR f.bin"); err != nil {
			return err
		}
		err = checkPattern(data, n)
		_ = data.Close()
		_, err2 := do(226, "")
		return errors.Join(err, err2)
	}, methods
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// Requests with a validator, for parts, and for an archive agree whether the object is cached or not.
func TestACachedObjectIsServedAsOneOfTheStore(t *testing.T) {
	const size = 300_000
	s := newStore(t)
	s.putPattern("d/f.bin", size)
	cache := newCache(t, 100<<20)
	files := s.open(t, with(cache))
	var before []string
	for i := range 2 {
		h := httpd.FileServer(files) // each has a cache of open files of its own
		h.Archives = true
		srv := &httpd.Server{Handler: h}
		ln := listen(t)
		go func() { _ = srv.Serve(ln) }()
		url := "http://" + ln.Addr().String()
		var got []string
		for _, r := range []struct{ path, field, value string }{
			{"/d/f.bin", "Range", "bytes=1000-1999"}, {"/d/f.bin", "If-Modified-Since", modified.Format(http.TimeFormat)},
			{"/d/f.bin", "", ""}, {"/d/?zip", "", ""}, {"/d/f.bin?sha256", "", ""},
		} {
			req, err := http.NewRequest(http.MethodGet, url+r.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.field != "" {
				req.Header.Set(r.field, r.value)
			}
			resp, body := nettest.Exchange(t, http.DefaultClient.Do, req)
			resp.Header.Del("Date")
			got = append(got, fmt.Sprint(resp.StatusCode, resp.Header, len(body)))
		}
		if i == 0 {
			before = got
			waitForCache(t, cache, "the fill", fills(1))
		}
		if diff := cmp.Diff(before, got); diff != "" {
			t.Errorf("(-from the store +from the cache)\n%s", diff)
		}
		_ = srv.Close()
		_ = h.Close()
	}
	if hits := cache.Stats().Hits; hits == 0 {
		t.Error("nothing came from the cache")
	}
}
