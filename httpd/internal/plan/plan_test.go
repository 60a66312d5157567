package plan_test

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd/internal/plan"
	"sluice/internal/filecache"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// request returns a request for "/"; the header in pairs of name and value, of which
// several of one name are joined.
func request(method string, header ...string) plan.Request {
	r := plan.Request{Method: method, Path: "/", URI: "/"}
	fields := map[string]*string{
		"Accept": &r.Accept, "Accept-Encoding": &r.AcceptEncoding,
		"If-Match": &r.IfMatch, "If-None-Match": &r.IfNoneMatch, "If-Modified-Since": &r.IfModifiedSince,
		"If-Unmodified-Since": &r.IfUnmodifiedSince, "If-Range": &r.IfRange, "Range": &r.Range,
		"Want-Repr-Digest": &r.WantReprDigest, "Origin": &r.Origin,
	}
	for i := 0; i < len(header); i += 2 {
		field := fields[header[i]]
		if *field != "" {
			*field += ", "
		}
		*field += header[i+1]
	}
	return r
}

// target returns a GET of a target without escapes.
func target(target string, header ...string) *plan.Request {
	r := request("GET", header...)
	r.URI = target
	r.Path, r.Query, _ = strings.Cut(target, "?")
	return &r
}

// planner returns a Planner for files in memory.
func planner(t *testing.T, c plan.Config, names ...string) *plan.Planner {
	t.Helper()
	memory := afero.NewMemMapFs()
	for _, name := range names {
		if err := afero.WriteFile(memory, name, []byte("content"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree := vfs.Of(memory)
	c.Files, c.Tree, c.DetectType = &filecache.Cache{Tree: tree}, tree, http.DetectContentType
	return plan.New(c)
}

// A Plan says how its response will be before it makes anything.
func TestAPlanSaysWhatItWillMake(t *testing.T) {
	all := plan.Config{Archives: true, Precompressed: true, CORS: []string{"*"}}
	for _, tt := range []struct {
		name                     string
		config                   plan.Config
		req                      *plan.Request
		plain, streamed, lengthy bool
	}{
		{"a file", all, target("/f.txt"), true, false, false},
		{"a file in a directory", all, target("/a/b/f.txt", "Accept", "text/html"), true, false, false},
		{"an index file", all, target("/a/b/"), false, false, false},
		{"a listing", all, target("/a/"), false, true, false},
		{"a hidden name", all, target("/a/.env"), false, false, false},
		{"a query", all, target("/f.txt?v=2"), false, false, false},
		{"a download", all, target("/f.txt?download"), false, false, false},
		{"a checksum", all, target("/f.txt?sha256"), false, false, true},
		{"a checksum of an index file", all, target("/a/b/?md5"), false, false, true},
		{"an archive", all, target("/a/?zip"), false, false, true},
		{"a compressed archive", all, target("/a/?tar.gz"), false, true, true},
		{"an archive where there are none", plan.Config{}, target("/a/?zip"), false, true, false},
		{"If-Match", all, target("/f.txt", "If-Match", "*"), false, false, false},
		{"If-None-Match", all, target("/f.txt", "If-None-Match", "*"), false, false, false},
		{"If-Modified-Since", all, target("/f.txt", "If-Modified-Since", "x"), false, false, false},
		{"If-Unmodified-Since", all, target("/f.txt", "If-Unmodified-Since", "x"), false, false, false},
		{"Range", all, target("/f.txt", "Range", "x"), false, false, false},
		{"If-Range without Range", all, target("/f.txt", "If-Range", "x"), true, false, false},
		{"Want-Repr-Digest", all, target("/f.txt", "Want-Repr-Digest", "x"), false, false, true},
		{"Accept-Encoding", all, target("/f.txt", "Accept-Encoding", "x"), false, false, false},
		{"Accept-Encoding where it does not matter", plan.Config{}, target("/f.txt", "Accept-Encoding", "x"), true, false, false},
		{"Origin", all, target("/f.txt", "Origin", "x"), false, false, false},
		{"Origin where it does not matter", plan.Config{}, target("/f.txt", "Origin", "x"), true, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := planner(t, tt.config, "/f.txt", "/a/b/f.txt", "/a/b/index.html", "/a/.env")
			pl := p.Plan(tt.req, plan.Lookup{})
			if plain := p.IsPlain(tt.req); plain != tt.plain || pl.Streamed != tt.streamed || pl.Lengthy != tt.lengthy {
				t.Errorf("plain %v, streamed %v, lengthy %v, want %v, %v, %v", plain, pl.Streamed, pl.Lengthy, tt.plain, tt.streamed, tt.lengthy)
			}
			if listed := p.Listed(); listed != 0 {
				t.Errorf("%d entries were read", listed)
			}
			resp := pl.Respond(t.Context())
			defer resp.Release()
			if streamed := resp.Body.Size() < 0; streamed != tt.streamed {
				t.Errorf("the response is streamed: %v, want %v", streamed, tt.streamed)
			}
		})
	}
}

// A Plan that is not carried out reads no directory.
func TestAPlanForAListingReadsNothing(t *testing.T) {
	p := planner(t, plan.Config{}, "/a/f")
	tree := &failingTree{Tree: p.Tree, t: t}
	p.Tree = tree
	pl := p.Plan(target("/a/"), plan.Lookup{})
	if !pl.Streamed {
		t.Error("a listing is not streamed")
	}
	pl.Release()
}

// failingTree fails the test if a directory is read.
type failingTree struct {
	vfs.Tree
	t *testing.T
}

func (f *failingTree) ReadDir(name string) ([]fs.FileInfo, error) {
	f.t.Errorf("%s is read", name)
	return f.Tree.ReadDir(name)
}

func TestAHeadIsKeptWithItsFile(t *testing.T) {
	dir := nettest.TempDir(t)
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := os.WriteFile(filepath.Join(dir, "f.txt"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	nettest.Age(t, filepath.Join(dir, "f.txt"))
	cache := &filecache.Cache{Tree: root, Valid: time.Hour}
	defer cache.Close()
	p := plan.New(plan.Config{Files: cache, Tree: root})
	keep := func(req *plan.Request, head string) {
		pl := p.Plan(req, p.Lookup(req, time.Now()))
		resp := pl.Respond(t.Context())
		defer resp.Release()
		pl.KeepHead(&resp, []byte(head))
	}
	keep(target("/f.txt"), "head")
	keep(target("/f.txt", "Range", "bytes=0-1"), "head of a part")
	keep(target("/f.txt?download"), "head of a download")
	found := p.Lookup(target("/f.txt"), time.Now())
	defer found.Release()
	if head, body := found.KeptHead(); head == nil || *head != "head" {
		t.Errorf("the head that is kept is %v", head)
	} else if got := contentOf(t, plan.Body{body}); got != "content" {
		t.Errorf("the body is %q", got)
	}
}

func TestNoHeadIsKeptWithAFileThatIsNotShared(t *testing.T) {
	p := planner(t, plan.Config{Fallback: "/app.html", NotFoundPage: "/404.html"}, "/app.html", "/404.html", "/a/index.html", "/f")
	for _, path := range []string{"/f", "/app", "/none.txt", "/a/", "/a", "/app.html"} {
		req := target(path)
		pl := p.Plan(req, plan.Lookup{})
		resp := pl.Respond(t.Context())
		pl.KeepHead(&resp, []byte("head"))
		resp.Release()
		found := p.Lookup(req, time.Now())
		if head, _ := found.KeptHead(); head != nil {
			t.Errorf("the head of %s is kept", path)
		}
		found.Release()
	}
}

// sink collects a body.
type sink struct {
	strings.Builder
	calls []string
}

func (s *sink) Write(p []byte) (int, error) {
	s.calls = append(s.calls, "write")
	return s.Builder.Write(p)
}

func (s *sink) WriteFile(content []byte) error {
	s.calls = append(s.calls, "write file")
	_, err := s.Builder.Write(content)
	return err
}

func (s *sink) SendFile(f io.ReaderAt, off, n int64) error {
	s.calls = append(s.calls, "send file")
	_, err := io.Copy(&s.Builder, io.NewSectionReader(f, off, n))
	return err
}

func (s *sink) StopClock() { s.calls = append(s.calls, "stop clock") }

func contentOf(t testing.TB, b plan.Body) string {
	t.Helper()
	s := new(sink)
	if err := b.WriteTo(context.Background(), s); err != nil {
		t.Error(err)
	}
	return s.String()
}

// How a body is sent depends on where its content is.
func TestABodyWalksItsPieces(t *testing.T) {
	p := planner(t, plan.Config{Archives: true, NoListing: true}, "/a/f.txt")
	for _, tt := range []struct {
		req   *plan.Request
		calls string
		body  string // what it begins with
	}{
		{target("/a/f.txt"), "send file", "content"},
		{target("/a/f.txt", "Range", "bytes=1-3"), "send file", "ont"},
		{target("/none"), "write", "404 Not Found\n"},
		{target("/a/f.txt?crc32"), "stop clock, write", "fec530a9  f.txt\n"},
		{target("/a/?tar"), "stop clock, write, send file, stop clock, write, stop clock, write", "a/f.txt"},
	} {
		t.Run(tt.req.URI, func(t *testing.T) {
			pl := p.Plan(tt.req, plan.Lookup{})
			resp := pl.Respond(t.Context())
			defer resp.Release()
			s := new(sink)
			if err := resp.Body.WriteTo(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if calls := strings.Join(s.calls, ", "); calls != tt.calls || !strings.HasPrefix(s.String(), tt.body) {
				t.Errorf("%s: %.20q, want %s: %.20q", calls, s.String(), tt.calls, tt.body)
			}
			if resp.Body.Size() != int64(s.Len()) {
				t.Errorf("%d bytes, want %d", s.Len(), resp.Body.Size())
			}
		})
	}
}
