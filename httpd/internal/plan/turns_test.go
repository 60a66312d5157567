package plan_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/httpd/internal/plan"
	"sluice/internal/budget"
	"sluice/internal/filecache"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// stranger is the party of a client that has taken everything.
var stranger = budget.Party{Client: netip.MustParseAddr("192.0.2.66")}

// busy returns a Budget in which the stranger holds all turns of a Pool, and there are no places to wait, or some.
func busy(t *testing.T, pool func(*budget.Budget) *budget.Pool, places int) *budget.Budget {
	t.Helper()
	b := budget.New()
	pool(b).SetBounds(budget.Bounds{Size: 1, Queue: places})
	if _, err := pool(b).TryTake(stranger, 1); err != nil {
		t.Fatal(err)
	}
	return b
}

func checksums(b *budget.Budget) *budget.Pool { return b.Checksums }

// statusOf returns the response to a request and its entity tag.
func statusOf(t *testing.T, p *plan.Planner, r *plan.Request) (status int, header plan.Header, etag string) {
	t.Helper()
	pl := p.Plan(r, plan.Lookup{})
	resp := pl.Respond(t.Context())
	defer resp.Release()
	for _, f := range resp.Header {
		if f.Name == "Etag" || f.Name == "ETag" {
			etag = f.Value
		}
	}
	return resp.Status, resp.Header, etag
}

func TestAFileDoesNotWaitLongForATagOfItsContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := plan.Config{ContentETags: true, Budget: budget.New()}
		_, _, ofContent := statusOf(t, planner(t, config, "/f.txt"), target("/f.txt"))
		config.Budget = busy(t, checksums, 10)
		p := planner(t, config, "/f.txt")
		r, begun := target("/f.txt"), time.Now()
		r.Waits = new(budget.Tally)
		status, _, etag := statusOf(t, p, r)
		if took := time.Since(begun); status != 200 || etag == "" || etag == ofContent || took > time.Second {
			t.Errorf("status %d with the tag %s after %v, want 200 with another tag than %s soon", status, etag, took, ofContent)
		}
		if waited, longest := r.Waits.Waited(); waited == 0 || longest.By != stranger {
			t.Errorf("it waited %v, %+v, want the wait for the stranger", waited, longest)
		}
	})
}

// While others compute, only one response in five seconds waits for the tag of a file.
func TestFilesDoNotWaitOneAfterAnother(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no file is kept open there, so nothing is remembered of it")
	}
	dir := nettest.TempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "f.txt"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	synctest.Test(t, func(t *testing.T) {
		b := budget.New()
		b.Checksums.SetBounds(budget.Bounds{Size: 1, Queue: 9})
		held, err := b.Checksums.TryTake(stranger, 1)
		if err != nil {
			t.Fatal(err)
		}
		cache := &filecache.Cache{Tree: root}
		defer cache.Close()
		p := plan.New(plan.Config{ContentETags: true, Budget: b, Files: cache, Tree: root})
		get := func(header ...string) (etag string, took time.Duration) {
			begun := time.Now()
			_, _, etag = statusOf(t, p, target("/f.txt", header...))
			return etag, time.Since(begun)
		}
		makeshift, first := get()
		if again, second := get(); first == 0 || second != 0 || again != makeshift {
			t.Errorf("%s after %v, then %s after %v, want the same at once", makeshift, first, again, second)
		}
		held.Release()
		if tag, _ := get("If-Match", "*"); tag == makeshift {
			t.Errorf("a conditional request gets the tag %s, want that of the content", tag)
		}
		time.Sleep(6 * time.Second)
		if tag, _ := get(); tag == makeshift {
			t.Errorf("after a while the tag is still %s", tag)
		}
	})
}

func TestWithoutAPlaceToWaitTheAnswerIs503(t *testing.T) {
	for _, tt := range []struct {
		target string
		pool   func(*budget.Budget) *budget.Pool
		reason string
	}{
		{"/a/f.txt?sha256", checksums, "too many checksums of all clients"},
		{"/a/?zip", func(b *budget.Budget) *budget.Pool { return b.Archives }, "too many archives of all clients"},
		{"/a/?tar", func(b *budget.Budget) *budget.Pool { return b.Entries }, "too many files in archives of all clients"},
		{"/a/", func(b *budget.Budget) *budget.Pool { return b.Listings }, "too many listings of all clients"},
	} {
		t.Run(strings.ReplaceAll(tt.target, "/", "_"), func(t *testing.T) {
			p := planner(t, plan.Config{Archives: true, Budget: busy(t, tt.pool, 0)}, "/a/f.txt")
			r := target(tt.target)
			r.Waits = new(budget.Tally)
			status, header, _ := statusOf(t, p, r)
			var after string
			for _, f := range header {
				if f.Name == "Retry-After" {
					after = f.Value
				}
			}
			if status != 503 || after == "" {
				t.Errorf("status %d with Retry-After %q, want 503 with a time", status, after)
			}
			if why := r.Waits.Refused(); why == nil || why.Error() != tt.reason || why.By != stranger || !errors.As(error(why), new(*budget.Refusal)) {
				t.Errorf("the reason is %v, want %s", why, tt.reason)
			}
		})
	}
}

// countingTree counts how often archives are laid out.
type countingTree struct {
	vfs.Tree
	walks atomic.Int32
	wait  time.Duration
}

func (c *countingTree) Walk(name string, f filepath.WalkFunc) error {
	c.walks.Add(1)
	time.Sleep(c.wait)
	return c.Tree.Walk(name, f)
}

func TestAClientHasOneWalkForManyRequestsWithoutABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := planner(t, plan.Config{Archives: true}, "/a/f.txt")
		tree := &countingTree{Tree: p.Tree, wait: 10 * time.Second}
		p.Tree = tree
		var all sync.WaitGroup
		send := func(method string, client byte, ctx context.Context, want int) {
			r := target("/a/?zip")
			r.Method, r.Client = method, netip.AddrFrom4([4]byte{192, 0, 2, client})
			all.Go(func() {
				pl := p.Plan(r, plan.Lookup{})
				resp := pl.Respond(ctx)
				defer resp.Release()
				if resp.Status != want {
					t.Errorf("%s of client %d: status %d, want %d", method, client, resp.Status, want)
				}
			})
			synctest.Wait()
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 5 {
			send("HEAD", 1, t.Context(), 200)
		}
		send("HEAD", 1, impatient, 503)
		send("HEAD", 2, t.Context(), 200)
		send("GET", 1, t.Context(), 200) // does not wait for the others
		all.Wait()
		if n := tree.walks.Load(); n != 3 {
			t.Errorf("%d walks, want one for all HEADs of the first client, one for the second, and one for the body", n)
		}
	})
}

func TestAnArchiveIsRememberedForResponsesWithoutABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree := new(countingTree)
		p := planner(t, plan.Config{Archives: true}, "/a/f.txt", "/b/f.txt")
		tree.Tree, p.Tree = p.Tree, tree
		head := func(uri string) *plan.Request {
			r := target(uri)
			r.Method = "HEAD"
			return r
		}
		_, _, etag := statusOf(t, p, target("/a/?zip"))
		_, _, compressed := statusOf(t, p, target("/a/?tar.gz"))
		tree.walks.Store(0)
		for _, tt := range []struct {
			name          string
			req           *plan.Request
			before        func()
			status, walks int
			etag          string
		}{
			{"HEAD", head("/a/?zip"), nil, 200, 0, etag},
			{"HEAD of another format", head("/a/?tar"), nil, 200, 1, ""},
			{"HEAD of another directory", head("/b/?zip"), nil, 200, 1, ""},
			{"HEAD of a compressed archive", head("/a/?tar.gz"), nil, 200, 0, compressed},
			{"what the client has", target("/a/?zip", "If-None-Match", etag), nil, 304, 0, etag},
			{"a compressed archive that the client has", target("/a/?tar.gz", "If-None-Match", compressed), nil, 304, 0, compressed},
			{"a range that it has not", target("/a/?zip", "Range", "bytes=1000000-"), nil, 416, 0, etag},
			{"another than the client wants", target("/a/?zip", "If-Match", `"other"`), nil, 412, 0, etag},
			{"GET", target("/a/?zip"), nil, 200, 1, etag},
			{"GET of a range", target("/a/?zip", "Range", "bytes=1-2"), nil, 206, 1, etag},
			{"HEAD after a change by this process", head("/a/?zip"), vfs.CountChange, 200, 1, etag},
			{"HEAD after that", head("/a/?zip"), nil, 200, 0, etag},
			{"HEAD after a change by another process may have been made", head("/a/?zip"), func() { time.Sleep(time.Second) }, 200, 1, etag},
			{"HEAD where no change may remain unseen", head("/a/?zip"), func() { p.CacheValid = -1; time.Sleep(time.Second) }, 200, 1, etag},
			{"once more", head("/a/?zip"), nil, 200, 1, etag},
		} {
			if tt.before != nil {
				tt.before()
			}
			status, _, got := statusOf(t, p, tt.req)
			walks := int(tree.walks.Swap(0))
			if status != tt.status || walks != tt.walks || tt.etag != "" && got != tt.etag {
				t.Errorf("%s: status %d, tag %s, %d walks, want %d, %s, %d", tt.name, status, got, walks, tt.status, tt.etag, tt.walks)
			}
		}
	})
}

func TestTheLengthOfARememberedArchiveIsItsLength(t *testing.T) {
	p := planner(t, plan.Config{Archives: true}, "/a/f.txt")
	r := target("/a/?zip")
	pl := p.Plan(r, plan.Lookup{})
	resp := pl.Respond(t.Context())
	defer resp.Release()
	r.Method = "HEAD"
	again := p.Plan(r, plan.Lookup{})
	remembered := again.Respond(t.Context())
	defer remembered.Release()
	if got, want := remembered.Body.Size(), resp.Body.Size(); got != want || want == 0 {
		t.Errorf("%d bytes, want %d", got, want)
	}
}

// stalledClient is an io.Writer that nothing can be written to before goOn is closed.
type stalledClient struct{ waiting, goOn chan struct{} }

func (s *stalledClient) Write(p []byte) (int, error) {
	s.waiting <- struct{}{}
	<-s.goOn
	return len(p), nil
}

func (s *stalledClient) WriteFile(p []byte) error { _, err := s.Write(p); return err }
func (s *stalledClient) StopClock()               {}

func (s *stalledClient) SendFile(io.ReaderAt, int64, int64) error {
	return errors.New("a file was not compressed")
}

func TestAStalledClientKeepsNoTurnOfCompression(t *testing.T) {
	b := budget.New()
	p := planner(t, plan.Config{Archives: true, CompressListings: true, Budget: b}, "/a/f.txt")
	for _, r := range []*plan.Request{target("/a/?tar.gz"), target("/a/", "Accept-Encoding", "gzip"), target("/a/", "Accept-Encoding", "zstd")} {
		pl := p.Plan(r, plan.Lookup{})
		resp := pl.Respond(t.Context())
		client, ended := &stalledClient{make(chan struct{}), make(chan struct{})}, make(chan error)
		go func() { ended <- resp.Body.WriteTo(t.Context(), client) }()
		<-client.waiting
		if n := b.Compression.Stats().InUse; n != 0 {
			t.Errorf("%s: %d turns in use while the client takes nothing", r.URI, n)
		}
		close(client.goOn)
		for err := errors.New("more"); err != nil; {
			select {
			case <-client.waiting:
			case err = <-ended:
				if err != nil {
					t.Error(r.URI, err)
				}
				err = nil
			}
		}
		resp.Release()
	}
	if s := b.Compression.Stats(); s.Most != 1 || s.InUse != 0 {
		t.Errorf("got %+v, want one turn at a time, and none in the end", s)
	}
}

func TestAListingIsSentAsItIsWhileOthersCompress(t *testing.T) {
	compression := func(b *budget.Budget) *budget.Pool { return b.Compression }
	p := planner(t, plan.Config{CompressListings: true, Archives: true, Budget: busy(t, compression, 0)}, "/a/f.txt")
	status, header, _ := statusOf(t, p, target("/a/", "Accept-Encoding", "gzip"))
	for _, f := range header {
		if f.Name == "Content-Encoding" {
			t.Errorf("the listing has the coding %s", f.Value)
		}
	}
	if status != 200 {
		t.Errorf("status %d, want 200", status)
	}
	if status, _, _ := statusOf(t, p, target("/a/?tar.gz")); status != 503 {
		t.Errorf("?tar.gz: status %d, want 503", status)
	}
}

// While others have all the room, there is some for a small archive and a small listing.
func TestThereIsRoomForSmallRequests(t *testing.T) {
	b := budget.New()
	p := planner(t, plan.Config{Archives: true, Budget: b}, "/a/f.txt")
	for client, pool := range []*budget.Pool{b.Entries, b.Entries, b.Listed} {
		party := stranger
		party.Client = netip.AddrFrom4([4]byte{192, 0, 2, byte(client)})
		for n := pool.Largest(); n > 0; n-- {
			if _, err := pool.TryTake(party, n); err == nil {
				break
			}
		}
	}
	for _, uri := range []string{"/a/?zip", "/a/"} {
		if status, _, _ := statusOf(t, p, target(uri)); status != 200 {
			t.Errorf("%s: status %d, want 200", uri, status)
		}
	}
}
