package daemon

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/config"
	"sluice/internal/nettest"
	"sluice/internal/nettest/s3store"
	"sluice/internal/sandbox"
)

// openCacheOf opens the cache of a daemon in a directory, as its start does.
func openCacheOf(t *testing.T, d *daemon, dir string) *bucketCache {
	t.Helper()
	c := d.root.(*bucket).store.cache
	c.dir, c.size = dir, 40<<20
	var plan sandbox.Plan
	c.confine(&plan)
	if !slices.Equal(plan.State, []string{dir}) {
		t.Errorf("the plan of the sandbox has %q", plan.State)
	}
	if err := c.open(nil, d.root.(*bucket).fs); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBothProtocolsServeABucketFromTheCache(t *testing.T) {
	store := s3store.New(t)
	content := strings.Repeat("0123456789", 30_000)
	store.Put("alice/f.bin", []byte(content))
	d := newBucketTest(t, store, tableOf("alice", `home = "/alice"`))
	c := openCacheOf(t, d.daemon, filepath.Join(nettest.TempDir(t), "cache"))
	for range 3 {
		if resp, body := d.exchange(t, "GET", "/alice/f.bin"); resp.StatusCode != 200 || body != content || resp.Header.Get("Etag") != `"493e0"` {
			t.Errorf("HTTP: got %d, %d bytes, tag %s", resp.StatusCode, len(body), resp.Header.Get("Etag"))
		}
		if got, ok := d.retrieve(t, "alice", "RETR f.bin"); got != content || !ok {
			t.Errorf("FTP: got %d bytes, %v", len(got), ok)
		}
		for end := time.Now().Add(20 * time.Second); c.stats().Fills == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the object does not get into the cache: %+v", c.stats())
			}
		}
	}
	gets := slices.DeleteFunc(store.Forget(), func(r string) bool { return !strings.HasPrefix(r, "GET alice/f.bin") })
	if len(gets) != 1 {
		t.Errorf("the store was asked for the content by %q", gets)
	}
	if stats := c.stats(); stats.Files != 1 || stats.Hits < 3 || stats.MaxSize != 40<<20 {
		t.Errorf("got %+v", stats)
	}
}

func TestADirectoryThatCannotBeACacheEndsTheStart(t *testing.T) {
	d := newBucketTest(t, s3store.New(t), "")
	dir := filepath.Join(nettest.TempDir(t), "cache")
	openCacheOf(t, d.daemon, dir)
	for name, tt := range map[string]struct{ dir, want string }{
		"in use":                   {dir, "another process uses this cache; name another directory"},
		"in a directory of nobody": {filepath.Join(dir, "a", "b"), "--cache: "},
	} {
		c := &bucketCache{dir: tt.dir, size: 1 << 20}
		c.confine(new(sandbox.Plan))
		if err := c.open(nil, nil); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "--cache: ") {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func TestClientsAreSentToTheStoreOfABucket(t *testing.T) {
	store := s3store.New(t, "alice/f.bin")
	store.Put("alice/page.html", []byte("<!DOCTYPE html><title>page</title>"))
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAKEY")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
	d := newLoginTest(t, confWith(t, tableOf("alice", `home = "/alice"`), func(c *config.Config) {
		c.Root = "s3://" + s3store.Bucket
		c.S3 = config.StoreOptions{Endpoint: store.URL, Region: "us-east-1", Redirect: true, RedirectFor: time.Minute}
	}))
	resp, _ := d.exchange(t, "GET", "/alice/f.bin", "Range", "bytes=0-3")
	target, err := resp.Location()
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Fatalf("got %s, %v", resp.Status, err)
	}
	if q := target.Query(); "http://"+target.Host != store.URL || target.Path != "/pub/alice/f.bin" || q.Get("X-Amz-Expires") != "60" || q.Get("X-Amz-Signature") == "" {
		t.Errorf("sent to %s", target)
	}
	if resp, body := d.exchange(t, "GET", "/alice/page.html"); resp.StatusCode != 200 || !strings.Contains(body, "page") {
		t.Errorf("a page: got %s, %q", resp.Status, body)
	}
	if got, ok := d.retrieve(t, "alice", "RETR f.bin"); got != "alice/f.bin" || !ok {
		t.Errorf("FTP: got %q, %v", got, ok)
	}
}
