package httpd_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// shouting is a Root whose files a program has changed, as one that decrypts would.
type shouting struct{ *httpd.Root }

func (s shouting) Open(name string) (afero.File, error) {
	f, err := s.Root.Open(name)
	if err != nil {
		return nil, err
	}
	return &shoutingFile{f.(*os.File)}, nil
}

type shoutingFile struct{ *os.File }

func (f *shoutingFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	copy(p, strings.ToUpper(string(p[:n])))
	return n, err
}

// The methods of a file system that embeds a Root are called, not those of the Root.
func TestAFileSystemThatEmbedsARootIsNotTakenForARoot(t *testing.T) {
	dir := nettest.TempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "f.txt"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := httpd.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	url, _ := serveFS(t, httpd.FileServer(shouting{root}), nil)
	sum := func(content string) string { return fmt.Sprintf("%x  f.txt\n", sha256.Sum256([]byte(content))) }
	for range 2 {
		for target, want := range map[string]string{"/f.txt": "CONTENT", "/f.txt?sha256": sum("CONTENT")} {
			if _, body := get(t, http.DefaultClient, url+target); body != want {
				t.Errorf("%s: got %q, want %q", target, body, want)
			}
		}
	}
	resp, _ := get(t, http.DefaultClient, url+"/")
	if resp.StatusCode != 200 {
		t.Errorf("the listing: %s", resp.Status)
	}
}
