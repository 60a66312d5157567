package daemon

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/config"
	"sluice/internal/nettest"
	"sluice/internal/nettest/s3store"
	"sluice/internal/vfs"
)

// newJoinedTest returns a daemon that serves a directory, another one at /media, and a bucket at /archive.
func newJoinedTest(t *testing.T, tables string) (d *loginTest, media string, store *s3store.Store) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAKEY")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
	media, store = nettest.TempDir(t), s3store.New(t, "old/f")
	if err := os.WriteFile(filepath.Join(media, "film"), []byte("of media"), 0o644); err != nil {
		t.Fatal(err)
	}
	d = newLoginTest(t, confWith(t, tables, func(c *config.Config) {
		c.Mounts = []string{"/media=" + media, "/archive=s3://" + s3store.Bucket}
		c.S3 = config.StoreOptions{Endpoint: store.URL, Region: "us-east-1"}
	}))
	d.write(t, map[string]string{"f": "of the root"})
	return d, media, store
}

func TestMountsAreReadByBothProtocols(t *testing.T) {
	d, _, _ := newJoinedTest(t, tableOf("alice")+tableOf("bob", `home = "/media"`)+tableOf("eve", `home = "/archive/old"`)+"[user.anonymous]\nhome = '/archive'\n")
	for _, tt := range []struct{ user, name, want string }{
		{"alice", "/f", "of the root"},
		{"alice", "/media/film", "of media"},
		{"alice", "/archive/old/f", "old/f"},
		{"bob", "/film", "of media"},
		{"eve", "/f", "old/f"},
		{"anonymous", "/old/f", "old/f"},
	} {
		t.Run(tt.user+tt.name, func(t *testing.T) {
			user := tt.user
			if user == "anonymous" {
				user = ""
			}
			if status, body := d.get(t, user, tt.name); status != 200 || body != tt.want {
				t.Errorf("HTTP: got %d, %q, want %q", status, body, tt.want)
			}
			if got, ok := d.retrieve(t, tt.user, "RETR "+tt.name); !ok || got != tt.want {
				t.Errorf("FTP: got %q, %v, want %q", got, ok, tt.want)
			}
		})
	}
	if got, ok := d.retrieve(t, "alice", "NLST /"); !ok || got != "/archive\r\n/f\r\n/media\r\n" {
		t.Errorf("the root has %q", got)
	}
	if why := d.root.ready(); why != "" {
		t.Errorf("not ready: %s", why)
	}
	if d.root.requests() == nil {
		t.Error("requests to the store are not counted")
	}
}

func TestMountsAreChangedByBothProtocols(t *testing.T) {
	d, media, store := newJoinedTest(t, tableOf("alice", `rights = ["all"]`))
	for _, target := range []string{"/new", "/media/new", "/archive/new"} {
		if status := d.request(t, "alice", "PUT", target, "by HTTP"); status != 201 {
			t.Errorf("PUT %s: got %d", target, status)
		}
		if !d.command(t, "alice", "STOR "+target+"2", "by FTP") {
			t.Errorf("STOR %s2 is refused", target)
		}
	}
	for name, want := range map[string]string{
		filepath.Join(d.dir, "new"): "by HTTP", filepath.Join(media, "new"): "by HTTP", filepath.Join(d.dir, "new2"): "by FTP", filepath.Join(media, "new2"): "by FTP",
	} {
		if got, err := os.ReadFile(name); string(got) != want {
			t.Errorf("%s has %q, %v", name, got, err)
		}
	}
	if got := strings.Join(store.Keys(), " "); got != "new new2 old/f" {
		t.Errorf("the bucket has %s", got)
	}
	for _, request := range []struct{ method, target string }{{"DELETE", "/media"}, {"DELETE", "/archive"}} {
		if status := d.request(t, "alice", request.method, request.target, ""); status < 400 {
			t.Errorf("%s %s: got %d", request.method, request.target, status)
		}
	}
	c := d.logInFTP(t, "alice")
	c.cmd(t, 350, "RNFR /f")
	c.cmd(t, 550, "RNTO /media/f") // another file system
	c.cmd(t, 550, "RMD /archive")
	if _, err := os.Stat(filepath.Join(d.dir, "f")); err != nil {
		t.Error(err)
	}
}

// The rights of the guest, who changes nothing, hold in mounts too.
func TestATreeToReadChangesNoMount(t *testing.T) {
	d, _, _ := newJoinedTest(t, tableOf("alice", `rights = ["all"]`))
	for _, name := range []string{"/g", "/media/g", "/archive/g"} {
		f, err := d.root.tree().OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
		if err == nil {
			_ = f.Close()
			t.Errorf("%s can be written to", name)
		}
	}
}

func TestAMountFollowsItsName(t *testing.T) {
	d, media, _ := newJoinedTest(t, tableOf("alice")+"[user.anonymous]\nhome = '/media'\n")
	if _, body := d.get(t, "", "/film"); body != "of media" {
		t.Fatalf("got %q", body)
	}
	if d.root.update(d.logger) != nil {
		t.Error("the tree is replaced although nothing has changed")
	}
	old := d.root.(*joined).parts[1].tree().(*vfs.Root)
	if err := os.Rename(media, media+".old"); err != nil {
		t.Skip("an open directory cannot be replaced here:", err)
	}
	t.Cleanup(func() { _ = old.Close(); _ = os.RemoveAll(media + ".old") })
	if err := os.Mkdir(media, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(media, "film"), []byte("another"), 0o644); err != nil {
		t.Fatal(err)
	}
	if d.root.update(d.logger) == nil {
		t.Fatal("the new directory is not seen")
	}
	d.updatePages()
	if status, body := d.get(t, "", "/film"); body != "another" {
		t.Errorf("HTTP: got %d, %q", status, body)
	}
	if body, _ := d.retrieve(t, "alice", "RETR /media/film"); body != "another" {
		t.Errorf("FTP: got %q", body)
	}
	now := d.root.tree()
	if d.root.writable(now) != d.root.writable(now) {
		t.Error("the tree to change is another one each time, so that pages would be made anew each time")
	}
}

func TestThePartOfANameIsTheDeepest(t *testing.T) {
	j := &joined{parts: []part{{at: "/"}, {at: "/a"}, {at: "/a/b"}, {at: "/aa"}}}
	for name, want := range map[string][2]string{
		"":        {"/", "/"},
		"/":       {"/", "/"},
		"/c/d":    {"/", "/c/d"},
		"/a":      {"/a", "/"},
		"a/c":     {"/a", "/c"},
		"/ab":     {"/", "/ab"},
		"/a/b/":   {"/a/b", "/"},
		"/a/b/c":  {"/a/b", "/c"},
		"/aa/b/c": {"/aa", "/b/c"},
	} {
		p := j.at(name)
		if got := [2]string{p.at, p.inner(name)}; got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestDirectoriesOfAHomeIncludeMountsInIt(t *testing.T) {
	d, media, _ := newJoinedTest(t, "")
	dir, media := resolved(d.dir), resolved(media)
	for home, want := range map[string][]string{
		"":          {dir, media},
		"/x":        {filepath.Join(dir, "x")},
		"/media":    {media},
		"/media/x":  {filepath.Join(media, "x")},
		"/archive":  nil,
		"/archive/": nil,
	} {
		if got := d.root.homes(home); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", home, got, want)
		}
	}
}

func TestMountsThatCannotBeOpenedEndTheStart(t *testing.T) {
	store := s3store.New(t, "f")
	dir := nettest.TempDir(t)
	for _, tt := range []struct {
		name, mount, cache, want string
	}{
		{"a missing directory", "/m=" + filepath.Join(dir, "none"), "", "--mount /m: " + filepath.Join(dir, "none") + " does not exist; name the directory to serve: --mount /m=DIR"},
		{"a missing bucket", "/m=s3://none", "", "--mount /m: s3://none at " + store.URL + `: there is no bucket "none"`},
		{"a cache that clients could read", "/m=" + dir, filepath.Join(dir, "cache"), "--cache " + filepath.Join(dir, "cache") + " is in the served directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conf := confWith(t, "", func(c *config.Config) {
				c.Mounts = []string{tt.mount, "/b=s3://" + s3store.Bucket}
				c.S3 = config.StoreOptions{Endpoint: store.URL, Region: "us-east-1", Anonymous: true, Cache: tt.cache}
			})
			conf.Root = nettest.TempDir(t)
			d, err := open(t.Context(), conf, t.Output())
			if err == nil {
				d.close()
				t.Fatal("it starts")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// Buckets share the store: its credentials, its counters, and the cache, which is closed after the last one.
func TestTwoBucketsShareACache(t *testing.T) {
	store := s3store.New(t, "a/f", "b/f")
	cache := filepath.Join(nettest.TempDir(t), "cache")
	conf := confWith(t, "", func(c *config.Config) {
		c.Root = "s3://" + s3store.Bucket + "/a"
		c.Mounts = []string{"/b=s3://" + s3store.Bucket + "/b"}
		c.S3 = config.StoreOptions{Endpoint: store.URL, Region: "us-east-1", Anonymous: true, Cache: cache, CacheSize: 1 << 20}
	})
	d := newLoginTest(t, conf)
	if err := os.Mkdir(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.root.checkAccess(nil, nil); err != nil {
		t.Fatal(err)
	}
	if len(d.root.dirs()) != 0 {
		t.Errorf("there are directories: %q", d.root.dirs())
	}
	for target, want := range map[string]string{"/f": "a/f", "/b/f": "b/f"} {
		if status, body := d.get(t, "", target); status != 200 || body != want {
			t.Errorf("%s: got %d, %q", target, status, body)
		}
	}
	shared := d.root.(*joined).parts[0].source.(*bucket).store.cache
	for deadline := time.Now().Add(10 * time.Second); shared.stats().Files < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the objects do not get into the cache: %+v", shared.stats())
		}
	}
	d.root.(*joined).parts[0].close()
	if status, body := d.get(t, "", "/b/f"); status != 200 || body != "b/f" {
		t.Errorf("after one bucket was closed: got %d, %q", status, body)
	}
}

func TestAMountedBucketRedirects(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAKEY")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
	store := s3store.New(t)
	store.Put("dir/f.bin", make([]byte, 100_000))
	for name, home := range map[string]string{"the whole tree": "/", "a home above the mount": "/a", "a home in the mount": "/a/archive/dir"} {
		t.Run(name, func(t *testing.T) {
			d := newLoginTest(t, confWith(t, "[user.anonymous]\nhome = '"+home+"'\n", func(c *config.Config) {
				c.Mounts = []string{"/a/archive=s3://" + s3store.Bucket}
				c.S3 = config.StoreOptions{Endpoint: store.URL, Region: "us-east-1", Redirect: true, RedirectFor: time.Minute}
			}))
			target := strings.TrimPrefix("/a/archive/dir/f.bin", strings.TrimSuffix(home, "/"))
			resp, _ := d.exchange(t, "GET", target)
			if resp.StatusCode != 307 || !strings.HasPrefix(resp.Header.Get("Location"), store.URL+"/") || !strings.Contains(resp.Header.Get("Location"), "/dir/f.bin?") {
				t.Errorf("got %d to %s", resp.StatusCode, resp.Header.Get("Location"))
			}
		})
	}
}
