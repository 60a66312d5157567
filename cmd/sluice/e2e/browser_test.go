//go:build e2e

package e2e

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// browse runs a headless browser with a new profile, and returns its output.
func browse(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return run(t, dir, "chromium", append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir=" + t.TempDir(),
	}, args...)...)
}

func TestABrowserShowsAListing(t *testing.T) {
	s := startSecure(t, "--tls-self-signed")
	for _, name := range []string{"plain.txt", "dir/x", "Grüße, 東京", `<script>document.title="hurt"</script>`} {
		s.file(name, 1234)
	}
	for _, tt := range []struct {
		scheme string
		flags  []string
	}{
		{"http", nil},
		{"https", []string{"--ignore-certificate-errors"}},
	} {
		t.Run(tt.scheme, func(t *testing.T) {
			page := browse(t, t.TempDir(), append(tt.flags, "--dump-dom", s.urlOf(tt.scheme, ""))...)
			for _, want := range []string{"plain.txt</a>", "dir/</a>", "Grüße, 東京</bdi></a>", "&lt;script&gt;"} {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %q:\n%s", want, page)
				}
			}
			if strings.Contains(page, "<title>hurt") {
				t.Errorf("the name of a file ran as a script:\n%s", page)
			}
		})
	}
}

func TestABrowserDrawsAListingForAPhone(t *testing.T) {
	const width, height = 400, 700
	s := start(t)
	s.file("plain.txt", 1234)
	dir := t.TempDir()
	browse(t, dir, "--window-size=400,700", "--screenshot=shot.png", s.http.String())
	f, err := os.Open(filepath.Join(dir, "shot.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	shot, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	colours := make(map[any]bool)
	for y := range shot.Bounds().Dy() {
		for x := range shot.Bounds().Dx() {
			colours[shot.At(x, y)] = true
		}
	}
	if shot.Bounds().Dx() < width || shot.Bounds().Dy() < height || len(colours) < 10 {
		t.Errorf("the picture is of %v with %d colours, want a page with letters", shot.Bounds(), len(colours))
	}
}
