package httpd_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest/s3store"
	"sluice/s3fs"
)

// buckets counts the prefixes that openBucket has made.
var buckets atomic.Int32

// openBucket returns files of the store at a URL, below a prefix of their own.
func openBucket(t *testing.T, url string, files map[string]string) afero.Fs {
	t.Helper()
	fsys, err := s3fs.Open(t.Context(), s3fs.Config{
		Endpoint: url, Bucket: s3store.Bucket, Prefix: fmt.Sprint("case-", buckets.Add(1)), Region: "us-east-1",
		AccessKey: s3store.AccessKey, SecretKey: s3store.SecretKey, Writable: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	fill(t, fsys, files)
	return fsys
}

// overBucket runs a case that is for a directory over files of an object store. differs has the cases that differ there, with
// the reasons. It fails the test for a difference that has no reason, and for a reason without a difference.
type overBucket struct {
	url     string
	files   map[string]string
	differs map[string]string
}

func (o *overBucket) run(t *testing.T, name string, run func(t *testing.T, fsys afero.Fs, wrong wrong)) {
	t.Helper()
	reason := o.differs[name]
	delete(o.differs, name)
	t.Run(name, func(t *testing.T) {
		var differences []string
		run(t, openBucket(t, o.url, o.files), func(format string, args ...any) {
			differences = append(differences, fmt.Sprintf(format, args...))
		})
		switch {
		case reason == "" && len(differences) > 0:
			t.Errorf("a difference without a reason: %s", strings.Join(differences, "\n"))
		case reason != "" && len(differences) == 0:
			t.Errorf("no difference any more: %s", reason)
		}
	})
}

// end fails the test for reasons of cases that do not exist.
func (o *overBucket) end(t *testing.T) {
	t.Helper()
	for name := range o.differs {
		t.Errorf("there is no case %q", name)
	}
}

// testRequestsOverABucket runs the requests of change_test.go, webdav_test.go and tus_test.go over files of an object
// store. longNames says that a part of a key may be as long as the key.
func testRequestsOverABucket(t *testing.T, url string, longNames bool) {
	const noReading = "a store gives back no bytes of an unfinished upload, of which all are in this checksum"
	changes := map[string]string{
		"DELETE, If-Match with the tag of another file": "the tag of a store is that of the content, which both files have",
	}
	if longNames {
		changes["a name that is too long"] = "a key may have 1,024 bytes; versitygw and MinIO have files of these names"
	}
	t.Run("changes", func(t *testing.T) {
		o := &overBucket{url, changedFiles, changes}
		for _, tt := range changeTests {
			o.run(t, tt.name, tt.run)
		}
		o.end(t)
	})
	t.Run("WebDAV", func(t *testing.T) {
		o := &overBucket{url, davFiles, nil}
		for _, tt := range davTests {
			o.run(t, tt.request+" "+tt.name, tt.run)
		}
		o.end(t)
	})
	t.Run("tus", func(t *testing.T) {
		o := &overBucket{url, tusFiles, map[string]string{"with a right Repr-Digest": noReading, "with a wrong Repr-Digest": noReading}}
		for _, tt := range tusTests {
			o.run(t, tt.name, tt.run)
		}
		o.end(t)
	})
}

func TestRequestsOverABucket(t *testing.T) {
	if testing.Short() {
		t.Skip("a bucket is the same on all platforms")
	}
	testRequestsOverABucket(t, s3store.New(t).URL, true)
}

func TestRequestsOverABucketOfVersitygw(t *testing.T) {
	testRequestsOverABucket(t, s3store.Versitygw(t).URL, false)
}

func TestRequestsOverABucketOfMinIO(t *testing.T) {
	testRequestsOverABucket(t, s3store.MinIO(t).URL, false)
}

// The dialogues of the fast path, and its agreement with net/http, do not depend on the tree.
func TestDialoguesOverABucket(t *testing.T) {
	fsys := openBucket(t, s3store.New(t).URL, map[string]string{"a": "content of a", "b b": "content of b"})
	testDialogues(t, serve(t, func(srv *httpd.Server) { cached(srv); handler(srv).FS = fsys }))
}
