package plan_test

import (
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd/internal/plan"
	"sluice/internal/filecache"
	"sluice/internal/vfs"
)

// storedFile is what an object store says of a file.
type storedFile struct{ tag, mediaType string }

func (s *storedFile) EntityTag() string   { return s.tag }
func (s *storedFile) ContentType() string { return s.mediaType }

// stored returns a Planner for a store with one file, which was modified now.
func stored(c plan.Config, name, content string, s *storedFile) *plan.Planner {
	files := fstest.MapFS{name: {Data: []byte(content), ModTime: time.Now(), Sys: s}}
	tree := vfs.Of(afero.FromIOFS{FS: files})
	c.Files, c.Tree, c.DetectType = &filecache.Cache{Tree: tree}, tree, http.DetectContentType
	return plan.New(c)
}

// The program that stores an object chooses its type. That must not make a page, or a script, of what has the name of another file.
func TestTypesOfStoredFiles(t *testing.T) {
	for _, tt := range []struct{ name, mediaType, content, want string }{
		{"a.bin", "image/png", "x", "image/png"},
		{"a", "application/vnd.debian.binary-package", "x", "application/vnd.debian.binary-package"},
		{"a", "Video/MP4; codecs=x", "x", "video/mp4"},
		{"a.html", "text/plain", "<p>", "text/plain; charset=utf-8"},
		{"a.txt", "text/plain; charset=iso-8859-1", "\xe4", "text/plain; charset=iso-8859-1"},
		{"a.txt", "text/plain", "\xe4", "text/plain"},
		{"a.html", "text/html; charset=utf-8", "<p>", "text/html; charset=utf-8"},
		{"a.svg", "image/svg+xml", "<svg/>", "image/svg+xml"},

		{"a.png", "text/html", "<script>", "image/png"},
		{"a", "text/html", "<script>", "text/plain; charset=utf-8"},
		{"a.txt", "text/html; charset=utf-8", "<script>", "text/plain; charset=utf-8"},
		{"a.png", "image/svg+xml", "<svg/>", "image/png"},
		{"a.png", "application/xhtml+xml", "x", "image/png"},
		{"a.png", "application/xml", "x", "image/png"},
		{"a.png", "text/xml", "x", "image/png"},
		{"a.png", "text/javascript", "x", "image/png"},
		{"a.png", "application/javascript", "x", "image/png"},
		{"a.png", "application/ecmascript", "x", "image/png"},
		{"a.png", "text/css", "x", "image/png"},
		{"a.png", "multipart/x-mixed-replace", "x", "image/png"},
		{"a.png", "message/rfc822", "x", "image/png"},

		{"a.css", "application/octet-stream", "x", "text/css; charset=utf-8"},
		{"a.css", "binary/octet-stream", "x", "text/css; charset=utf-8"},
		{"a.css", "application/x-www-form-urlencoded", "x", "text/css; charset=utf-8"},
		{"a.css", "", "x", "text/css; charset=utf-8"},
		{"a.css", "nonsense", "x", "text/css; charset=utf-8"},
		{"a.css", "image/png\r\nX: y", "x", "text/css; charset=utf-8"},
	} {
		p := stored(plan.Config{}, tt.name, tt.content, &storedFile{mediaType: tt.mediaType})
		_, header, _ := statusOf(t, p, target("/"+tt.name))
		if got := lineOf(header, "Content-Type"); got != tt.want {
			t.Errorf("%s, stored as %q: got %q, want %q", tt.name, tt.mediaType, got, tt.want)
		}
	}
}

func lineOf(h plan.Header, name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// The tag of a store is strong at once, though the file was modified a moment ago, and no content is read for another.
func TestTagsOfStoredFiles(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config plan.Config
		want   string
	}{
		{"as it is", plan.Config{}, `"5bee5a5b-3"`},
		{"in the tree of a user", plan.Config{TreeTag: "x"}, `"5bee5a5b-3-x"`},
		{"instead of one of the content", plan.Config{ContentETags: true}, `"5bee5a5b-3"`},
	} {
		p := stored(tt.config, "a.bin", "content", &storedFile{tag: `"5bee5a5b-3"`})
		if _, _, got := statusOf(t, p, target("/a.bin")); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		status, _, _ := statusOf(t, p, target("/a.bin", "If-None-Match", tt.want))
		if status != http.StatusNotModified {
			t.Errorf("%s: got %d for the same tag", tt.name, status)
		}
	}
	p := stored(plan.Config{}, "a.bin", "content", &storedFile{tag: "bad\r\n"})
	if _, _, got := statusOf(t, p, target("/a.bin")); !strings.HasPrefix(got, `W/"7-`) {
		t.Errorf("a malformed tag: got %s, want one of size and time", got)
	}
}

// failing is a file system on a store that has failed.
type failing struct{ err error }

func (f failing) Open(string) (fs.File, error) { return nil, f.err }

// storeFailure is an error as those of package s3fs.
type storeFailure struct{ error }

func (storeFailure) StoreFailed() bool { return false }

func TestAFailedStoreIsNoMissingFile(t *testing.T) {
	tree := vfs.Of(afero.FromIOFS{FS: failing{storeFailure{io.ErrUnexpectedEOF}}})
	p := plan.New(plan.Config{Files: &filecache.Cache{Tree: tree}, Tree: tree, Fallback: "/index.html"})
	status, _, _ := statusOf(t, p, target("/a"))
	if status != http.StatusBadGateway {
		t.Errorf("got %d, want 502", status)
	}
}
