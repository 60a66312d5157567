//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/nettest"
)

func TestCurlDownloadsSeveralRanges(t *testing.T) {
	const size = 1 << 20
	type part struct{ off, n int64 }
	s := startSecure(t, "--tls-self-signed")
	s.file("f", size)
	for _, scheme := range []string{"http", "https"} {
		for _, tt := range []struct {
			ranges string
			want   []part
		}{
			{"0-1,500-600", []part{{0, 2}, {500, 101}}},
			{"1000-300999,700000-", []part{{1000, 300_000}, {700_000, size - 700_000}}},
			{"0-0,300-300,-1", []part{{0, 1}, {300, 1}, {size - 1, 1}}},
		} {
			t.Run(scheme+"/"+tt.ranges, func(t *testing.T) {
				dir := t.TempDir()
				kind := curl(t, dir, "-k", "-r", tt.ranges, "-o", "got", "-w", "%{content_type}", s.urlOf(scheme, "f"))
				_, params, err := mime.ParseMediaType(kind)
				if err != nil {
					t.Fatalf("type %q: %v", kind, err)
				}
				got, err := os.Open(filepath.Join(dir, "got"))
				if err != nil {
					t.Fatal(err)
				}
				defer got.Close()
				parts := multipart.NewReader(got, params["boundary"])
				for _, want := range tt.want {
					p, err := parts.NextPart()
					if err != nil {
						t.Fatal(err)
					}
					if got, want := p.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-%d/%d", want.off, want.off+want.n-1, size); got != want {
						t.Errorf("Content-Range %q, want %q", got, want)
					}
					if got := <-nettest.Sum(t, p); got.N != want.n || got.SHA256 != nettest.PatternSum(want.off, want.n) {
						t.Errorf("got %d bytes, error %v, not the %d at %d", got.N, got.Err, want.n, want.off)
					}
				}
				if _, err := parts.NextPart(); err != io.EOF {
					t.Errorf("after the last part: %v, want the end", err)
				}
			})
		}
	}
}

// The file is a hole except for the bytes around 4 GiB and at its end.
func TestRangesBeyondFourGiB(t *testing.T) {
	const size, border = 5 << 30, 4 << 30
	s := start(t)
	f, err := os.Create(s.path("f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content := make([]byte, 1000)
	nettest.PatternAt(content, 0)
	for _, off := range []int64{border - 500, size - 1000} {
		if _, err := f.WriteAt(content, off); err != nil {
			t.Fatal(err)
		}
	}
	for _, scheme := range schemes {
		if head := curl(t, t.TempDir(), "-I", s.urlOf(scheme, "f")); !strings.Contains(head, fmt.Sprintf("Content-Length: %d\r\n", size)) {
			t.Errorf("%s: %q lacks the size", scheme, head)
		}
		for _, tt := range []struct {
			name string
			args []string
			want []byte
		}{
			{"across 4 GiB", []string{"-r", fmt.Sprintf("%d-%d", border-500, border+499)}, content},
			{"just above 4 GiB", []string{"-r", fmt.Sprintf("%d-%d", border, border+499)}, content[500:]},
			{"to the end", []string{"-C", fmt.Sprint(size - 700)}, content[300:]},
		} {
			t.Run(scheme+"/"+tt.name, func(t *testing.T) {
				dir := t.TempDir()
				curl(t, dir, append(tt.args, "-o", "got", s.urlOf(scheme, "f"))...)
				if got, err := os.ReadFile(filepath.Join(dir, "got")); !bytes.Equal(got, tt.want) || err != nil {
					t.Errorf("got %d bytes, %v, not the %d of the file", len(got), err, len(tt.want))
				}
			})
		}
	}
}
