package plan_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd/internal/plan"
	"sluice/internal/filecache"
	"sluice/internal/fileid"
	"sluice/internal/nettest"
	"sluice/internal/residence"
	"sluice/internal/vfs"
)

// cachedFixture has a tree on the disk, a Planner for it that may wait, and one that must not.
type cachedFixture struct {
	cache          *filecache.Cache
	waits, mustNot *plan.Planner
}

// newCachedFixture fills a tree. The disk of the test folder must be local.
func newCachedFixture(t testing.TB, c plan.Config) *cachedFixture {
	t.Helper()
	nettest.CheckLeaks(t)
	dir := nettest.TempDir(t)
	for name, content := range map[string]string{
		"f.txt": "content of a file", "f.txt.gz": "compressed", "g.txt": "g", "g.txt.zst": "an old form", "sniffed": "a text",
		"big.bin": strings.Repeat("0123456789", 10_000), "bigsniffed": strings.Repeat("0123456789", 10_000), ".hidden": "x",
		"dir/a.txt": "a", "site/index.html": "<p>index", "404.html": "<p>none", "app.html": "<p>app",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
		if name == "g.txt.zst" {
			old = old.Add(-time.Hour)
		}
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	return serveCached(t, dir, c)
}

func serveCached(t testing.TB, dir string, c plan.Config) *cachedFixture {
	t.Helper()
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	cache := &filecache.Cache{Tree: root, Valid: time.Hour}
	t.Cleanup(func() {
		_ = cache.Close()
		_ = root.Close()
	})
	f, err := root.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if where := residence.Of(f.(*os.File)); !where.IsLocal() {
		t.Skipf("the test folder is not local but: %v", where)
	}
	c.DetectType = http.DetectContentType
	x := &cachedFixture{cache: cache}
	c.Files, c.Tree = cache, root
	x.waits = plan.New(c)
	c.Files, c.Tree = &noDisk{t: t, cache: cache}, nil // a call of a nil Tree panics
	c.MayStore = func(string) plan.Uploads { t.Error("MayStore is called"); return plan.Uploads{} }
	x.mustNot = plan.New(c)
	return x
}

// noDisk fails the test if a file could be opened.
type noDisk struct {
	t     testing.TB
	cache *filecache.Cache
}

func (n *noDisk) fail(path string) (*filecache.File, error) {
	n.t.Errorf("%s would be opened", path)
	return nil, os.ErrNotExist
}

func (n *noDisk) Hit(path string, _ time.Time) *filecache.File {
	_, _ = n.fail(path)
	return nil
}
func (n *noDisk) Get(path string) (*filecache.File, error)  { return n.fail(path) }
func (n *noDisk) Load(path string) (*filecache.File, error) { return n.fail(path) }
func (n *noDisk) GetToRead(path string) (*filecache.File, error) {
	return n.fail(path)
}
func (n *noDisk) Renew(path string, _ *filecache.File) (*filecache.File, error) {
	return n.fail(path)
}

func (n *noDisk) Cached(path string, now time.Time) (*filecache.File, error) {
	return n.cache.Cached(path, now)
}

// answered is a response, with a fixed boundary.
type answered struct {
	Status int
	Header plan.Header
	Body   string
}

var boundary = regexp.MustCompile(`boundary=([\w-]+)`)

func answer(t testing.TB, pl *plan.Plan) answered {
	t.Helper()
	resp := pl.Respond(t.Context())
	defer resp.Release()
	a := answered{resp.Status, resp.Header, contentOf(t, resp.Body)}
	for i, f := range a.Header {
		if m := boundary.FindStringSubmatch(f.Value); m != nil {
			a.Header[i].Value = strings.ReplaceAll(f.Value, m[1], "B")
			a.Body = strings.ReplaceAll(a.Body, m[1], "B")
		}
	}
	return a
}

// cached returns the response of PlanCached, with and without a LookupCached before, if there is one.
func (x *cachedFixture) cached(t *testing.T, r *plan.Request) (a answered, ok bool) {
	t.Helper()
	now := time.Now()
	l, known := x.mustNot.LookupCached(r, now)
	if !known {
		if pl, ok := x.mustNot.PlanCached(r, plan.Lookup{}, now); ok {
			pl.Release()
			t.Error("LookupCached knows less than PlanCached")
		}
		return answered{}, false
	}
	pl, ok := x.mustNot.PlanCached(r, l, now)
	other, otherOK := x.mustNot.PlanCached(r, plan.Lookup{}, now)
	if ok != otherOK {
		t.Errorf("with a Lookup ok is %v, without %v", ok, otherOK)
	}
	if ok {
		a = answer(t, &pl)
	}
	if otherOK {
		if b := answer(t, &other); !reflect.DeepEqual(a, b) {
			t.Errorf("without a Lookup the response differs (-with +without):\n%s", cmp.Diff(a, b))
		}
	}
	return a, ok
}

// warm answers the request as one that may wait does.
func (x *cachedFixture) warm(t testing.TB, r *plan.Request) (a answered, waits bool) {
	t.Helper()
	pl := x.waits.Plan(r, plan.Lookup{})
	waits = pl.Lengthy || pl.Streamed || pl.AsksLogin
	if waits {
		pl.Release()
		return a, true
	}
	return answer(t, &pl), false
}

// For each request PlanCached gives the same response as Plan, or none.
func TestPlanCachedAnswersAsPlan(t *testing.T) {
	paths := []string{
		"/", "/f.txt", "/g.txt", "/sniffed", "/big.bin", "/bigsniffed", "/dir", "/dir/", "/dir/a.txt", "/site", "/site/", "/none.txt", "/none",
		"/none/", "/.hidden", "/f.txt/", "/f.txt?download", "/f.txt?sha256", "/dir/?zip", "/dir/?login", "/site/?login", "/f.txt?x=y",
		"/dir/?upload=1", "/site%2F",
	}
	headers := [][]string{
		nil, {"Range", "bytes=1-5"}, {"Range", "bytes=0-1,50000-50001"}, {"Range", "bytes=900000-"}, {"Range", "x"},
		{"If-None-Match", "*"}, {"If-None-Match", `"x"`}, {"If-Modified-Since", "Thu, 29 Feb 2024 12:00:00 GMT"},
		{"If-Match", `"x"`}, {"If-Unmodified-Since", "Thu, 29 Feb 2001 12:00:00 GMT"}, {"Range", "bytes=1-2", "If-Range", `"x"`},
		{"Accept", "text/html"}, {"Accept-Encoding", "gzip, zstd"}, {"Accept-Encoding", "br"}, {"Origin", "http://example.com"},
		{"Want-Repr-Digest", "sha-256=1"},
	}
	configs := map[string]plan.Config{
		"defaults":            {},
		"precompressed":       {Precompressed: true},
		"a page for errors":   {NotFoundPage: "/404.html"},
		"a fallback":          {Fallback: "/app.html", NotFoundPage: "/404.html", Precompressed: true},
		"no listings":         {NoListing: true, Index: []string{"none.html", "index.html"}},
		"missing pages":       {Fallback: "/gone.html", NotFoundPage: "/gone"},
		"rules and CORS":      {Rules: []plan.Rule{{Pattern: "*.txt", Name: "X-Rule", Value: "yes"}}, CORS: []string{"*"}, Archives: true},
		"users":               {Private: true, NoListing: true},
		"hidden files, tags":  {ShowHidden: true, ContentETags: true},
		"changes and uploads": {Changes: []string{"PUT", "POST"}, DAV: true, NoListing: true},
	}
	for name, config := range configs {
		t.Run(name, func(t *testing.T) {
			x := newCachedFixture(t, config)
			for _, path := range paths {
				for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "PROPFIND", "BREW"} {
					for i, header := range headers {
						if method != "GET" && method != "HEAD" && i > 1 {
							break
						}
						r := target(path, header...)
						r.Method = method
						if path == "/site%2F" {
							r.Path = "/site/"
						}
						what := fmt.Sprintf("%s %s %q", method, path, header)
						want, waits := x.warm(t, r)
						got, ok := x.cached(t, r)
						if ok == waits && !config.ContentETags {
							t.Errorf("%s: ok is %v", what, ok)
						}
						if ok && waits {
							t.Errorf("%s: a response that waits is answered", what)
						}
						if ok && !reflect.DeepEqual(want, got) {
							t.Errorf("%s: (-Plan +PlanCached)\n%s", what, cmp.Diff(want, got))
						}
					}
				}
			}
		})
	}
}

// PlanCached knows nothing before Plan has been called, and then all that it can.
func TestPlanCachedAnswersWhatIsKnown(t *testing.T) {
	all := plan.Config{Precompressed: true, Archives: true}
	method := func(method, path string, header ...string) *plan.Request {
		r := target(path, header...)
		r.Method = method
		return r
	}
	for _, tt := range []struct {
		name          string
		config        plan.Config
		req           *plan.Request
		before, after bool
		status        int
	}{
		{"a small file", all, target("/f.txt"), false, true, 200},
		{"a large file", all, target("/big.bin"), false, true, 200},
		{"a file whose type is that of its content", all, target("/bigsniffed"), false, true, 200},
		{"its length", all, method("HEAD", "/big.bin"), false, true, 200},
		{"a range", all, target("/big.bin", "Range", "bytes=0-1"), false, true, 206},
		{"several ranges", all, target("/big.bin", "Range", "bytes=0-1,90000-"), false, true, 206},
		{"a range beyond the end", all, target("/big.bin", "Range", "bytes=100001-"), false, true, 416},
		{"a file that has not changed", all, target("/big.bin", "If-None-Match", "*"), false, true, 304},
		{"a file that has changed", all, target("/big.bin", "If-Match", `"x"`), false, true, 412},
		{"a compressed form", all, target("/f.txt", "Accept-Encoding", "gzip"), false, true, 200},
		{"no compressed form", all, target("/f.txt", "Accept-Encoding", "br, zstd"), false, true, 200},
		{"a compressed form that is too old", all, target("/g.txt", "Accept-Encoding", "zstd"), false, true, 200},
		{"a download", all, target("/f.txt?download"), false, true, 200},
		{"a directory without its slash", all, target("/dir"), false, true, 301},
		{"an index file", all, target("/site/"), false, true, 200},
		{"a name that does not exist", all, target("/none"), false, true, 404},
		{"a name that does not exist, with a page", plan.Config{NotFoundPage: "/404.html"}, target("/none"), false, true, 404},
		{"a name that does not exist, with a fallback", plan.Config{Fallback: "/app.html"}, target("/none"), false, true, 200},
		{"a directory without a listing", plan.Config{NoListing: true}, target("/dir/"), false, true, 404},
		{"a file as a directory", all, target("/f.txt/"), false, true, 404},
		{"a hidden name", all, target("/.hidden"), true, true, 404},
		{"a hidden name with a page", plan.Config{NotFoundPage: "/404.html"}, target("/.hidden"), false, true, 404},
		{"OPTIONS", all, method("OPTIONS", "/f.txt"), true, true, 204},
		{"a refused method", all, method("DELETE", "/f.txt"), true, true, 405},
		{"an unknown method", all, method("BREW", "/f.txt"), true, true, 501},
		{"a listing", all, target("/dir/"), false, false, 0},
		{"an archive", all, target("/dir/?zip"), false, false, 0},
		{"a checksum", all, target("/f.txt?sha256"), false, false, 0},
		{"a digest", all, target("/f.txt", "Want-Repr-Digest", "sha-256=1"), false, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newCachedFixture(t, tt.config)
			if _, ok := x.cached(t, tt.req); ok != tt.before {
				t.Errorf("before Plan ok is %v, want %v", ok, tt.before)
			}
			x.warm(t, tt.req)
			a, ok := x.cached(t, tt.req)
			if ok != tt.after || a.Status != tt.status {
				t.Errorf("after Plan ok is %v, with status %d, want %v and %d", ok, a.Status, tt.after, tt.status)
			}
		})
	}
}

// Login is left to a caller that may wait, because functions of the owner decide.
func TestPlanCachedAsksForNoLogin(t *testing.T) {
	x := newCachedFixture(t, plan.Config{Changes: []string{"PUT"}})
	x.mustNot.AllowLogins(true)
	put := request("PUT")
	for _, r := range []*plan.Request{target("/dir/?login"), &put} {
		if _, ok := x.cached(t, r); ok {
			t.Errorf("%s %s is answered", r.Method, r.URI)
		}
	}
}

// A tag that is made of the content is known once it was computed, if the file was not changed just before.
func TestPlanCachedKnowsTagsOfContent(t *testing.T) {
	nettest.CheckLeaks(t)
	const name = "doc.go"
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if !fileid.OfInfo(info).Settled(time.Now()) {
		t.Fatalf("%s was changed less than two seconds ago", name)
	}
	x := serveCached(t, ".", plan.Config{ContentETags: true})
	r := target("/" + name)
	f, err := x.cache.Get(r.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if _, ok := x.cached(t, r); ok {
		t.Error("a file whose tag is not known is answered")
	}
	want, _ := x.warm(t, r)
	got, ok := x.cached(t, r)
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("ok is %v, (-Plan +PlanCached):\n%s", ok, diff)
	}

	x = newCachedFixture(t, plan.Config{ContentETags: true})
	x.warm(t, target("/f.txt"))
	if _, ok := x.cached(t, target("/f.txt")); ok {
		t.Error("a file that may change without another ID is answered")
	}
}

// PlanCached and Respond read no file and make no call for one that is not local.
func TestPlanCachedTouchesNoFile(t *testing.T) {
	x := newCachedFixture(t, plan.Config{})
	requests := []*plan.Request{
		target("/f.txt"), target("/big.bin"), target("/bigsniffed"), target("/big.bin", "Range", "bytes=5-"),
		target("/big.bin", "Range", "bytes=0-1,90000-"), target("/big.bin", "If-None-Match", "*"),
	}
	for _, r := range requests {
		x.warm(t, r)
	}
	for _, r := range requests {
		f, err := x.cache.Get(r.Path)
		if err != nil {
			t.Fatal(err)
		}
		open, where := f.File, f.Residence
		f.File = nil // a call panics
		pl, ok := x.mustNot.PlanCached(r, plan.Lookup{}, time.Now())
		if !ok {
			t.Errorf("%s is not answered", r.URI)
		} else {
			resp := pl.Respond(t.Context())
			resp.Release()
		}
		f.Residence = residence.Remote
		l, ok := x.mustNot.LookupCached(r, time.Now())
		if inMemory := f.Body != nil; ok != (inMemory || r.Range != "" || r.IfNoneMatch != "") {
			t.Errorf("%s of another machine: LookupCached is ok %v", r.URI, ok)
		}
		pl, ok = x.mustNot.PlanCached(r, l, time.Now())
		if ok != (f.Body != nil) {
			t.Errorf("%s of another machine: PlanCached is ok %v", r.URI, ok)
		}
		pl.Release()
		f.File, f.Residence = open, where
		f.Release()
	}
}
