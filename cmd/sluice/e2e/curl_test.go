//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/nettest"
)

// curl runs curl in dir and returns its output. curl must succeed; an HTTP status of 400
// or more is a failure.
func curl(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return run(t, dir, "curl", append([]string{"-sS", "--fail"}, args...)...)
}

// schemes are the URL schemes of start.
var schemes = []string{"http", "ftp"}

// urlOf returns the URL of a file, whose name needs no escaping.
func (s *server) urlOf(scheme, name string) string {
	return s.urls[scheme].JoinPath(name).String()
}

func TestCurlDownloadsFilesOfAnySize(t *testing.T) {
	s := start(t)
	for _, scheme := range schemes {
		for _, size := range []int64{0, 1, 64 << 10, 16 << 20} {
			t.Run(fmt.Sprintf("%s/%d", scheme, size), func(t *testing.T) {
				name := fmt.Sprintf("%s-%d", scheme, size)
				s.file(name, size)
				dir := t.TempDir()
				curl(t, dir, "-o", "got", s.urlOf(scheme, name))
				wantPattern(t, filepath.Join(dir, "got"), 0, size)
			})
		}
	}
}

// The file is a hole except for its last MiB, so it takes no disk space, but a length or
// offset that lost its upper bits shows.
func TestCurlDownloadsAGigabyte(t *testing.T) {
	const size = 1 << 30
	s := start(t)
	s.file("f", 0)
	f, err := os.OpenFile(s.path("f"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tail := make([]byte, 1<<20)
	nettest.PatternAt(tail, size-int64(len(tail)))
	if _, err := f.WriteAt(tail, size-int64(len(tail))); err != nil {
		t.Fatal(err)
	}
	want := nettest.Sum(t, f)

	got := make(map[string]<-chan nettest.Got)
	for _, scheme := range schemes {
		cmd := command(t, t.TempDir(), "curl", "-sS", "--fail", s.urlOf(scheme, "f"))
		content, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		got[scheme] = nettest.Sum(t, content)
		defer func() { // after got was received: Wait closes the pipe
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s: curl: %v", scheme, err)
			}
		}()
	}
	whole := <-want
	for _, scheme := range schemes {
		if got := <-got[scheme]; got != whole {
			t.Errorf("%s: got %d bytes, error %v, not the file", scheme, got.N, got.Err)
		}
		s.wantLogged("msg="+scheme, fmt.Sprintf("bytes=%d", size), "method=sendfile")
	}
}

func TestCurlShowsTheSize(t *testing.T) {
	s := start(t)
	s.file("f", 123_456)
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			head := curl(t, t.TempDir(), "-I", s.urlOf(scheme, "f"))
			if !strings.Contains(head, "Content-Length: 123456\r\n") {
				t.Errorf("curl -I printed %q, want the size", head)
			}
		})
	}
}

func TestCurlDownloadsARange(t *testing.T) {
	s := start(t)
	s.file("f", 1<<20)
	for _, scheme := range schemes {
		for _, tt := range []struct {
			name, flag string
			off, n     int64
		}{
			{"in the middle", "1000-300999", 1000, 300_000},
			{"to the end", "700000-", 700_000, 1<<20 - 700_000},
			{"of the last bytes", "-777", 1<<20 - 777, 777},
			{"of one byte", "0-0", 0, 1},
		} {
			t.Run(scheme+"/"+tt.name, func(t *testing.T) {
				dir := t.TempDir()
				curl(t, dir, "-r", tt.flag, "-o", "got", s.urlOf(scheme, "f"))
				wantPattern(t, filepath.Join(dir, "got"), tt.off, tt.n)
			})
		}
	}
}

func TestCurlResumesADownload(t *testing.T) {
	const size, part = 4 << 20, 1_234_567
	s := start(t)
	s.file("f", size)
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			got := filepath.Join(t.TempDir(), "got")
			writePattern(t, got, part)
			curl(t, filepath.Dir(got), "-C", "-", "-o", "got", s.urlOf(scheme, "f"))
			wantPattern(t, got, 0, size)
			s.wantLogged("msg="+scheme, fmt.Sprintf("bytes=%d", size-part), "method=sendfile")
		})
	}
}

func TestCurlGets304ForAnUnchangedFile(t *testing.T) {
	s := start(t, "--cache-valid", "0")
	s.file("f", 1000)
	dir := t.TempDir()
	file := s.urlOf("http", "f")
	curl(t, dir, "-R", "--etag-save", "etag", "-o", "got", file)

	status := func(args ...string) string {
		t.Helper()
		return curl(t, dir, append(args, "-o", "again", "-w", "%{http_code} %{size_download}", file)...)
	}
	if got := status("--etag-compare", "etag"); got != "304 0" {
		t.Errorf("with the entity tag: %s, want 304 without a body", got)
	}
	if got := status("-z", "got"); got != "304 0" {
		t.Errorf("with the time of the copy: %s, want 304 without a body", got)
	}
	s.file("f", 2000)
	if got := status("--etag-compare", "etag"); got != "200 2000" {
		t.Errorf("with the entity tag of another content: %s, want 200 and all of it", got)
	}
}

func TestAChangeIsSeenSoon(t *testing.T) {
	s := start(t)
	s.file("f", 1000)
	size := func() string {
		return curl(t, t.TempDir(), "-o", "got", "-w", "%{size_download}", s.urlOf("http", "f"))
	}
	if got := size(); got != "1000" {
		t.Fatalf("got %s bytes, want 1000", got)
	}
	s.file("f", 2000)
	eventually(t, "the new content is served", func() bool { return size() == "2000" })
}

func TestCurlInEveryModeOfFTP(t *testing.T) {
	const size = 3 << 20
	s := startWritable(t)
	s.file("f", size)
	for _, tt := range []struct {
		name  string
		flags []string
	}{
		{"EPSV", nil},
		{"PASV", []string{"--disable-epsv"}},
		{"EPRT", []string{"-P", "-"}},
		{"PORT", []string{"-P", "-", "--disable-eprt"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			output := curl(t, dir, append(tt.flags, "-v", "-o", "got", s.urlOf("ftp", "f"))...)
			if !strings.Contains(output, "> "+tt.name) {
				t.Errorf("curl did not use %s:\n%s", tt.name, output)
			}
			got := filepath.Join(dir, "got")
			wantPattern(t, got, 0, size)

			curl(t, dir, append(tt.flags, "-u", login, "-T", "got", s.urlOf("ftp", tt.name))...)
			wantPattern(t, s.path(tt.name), 0, size)
		})
	}
}
