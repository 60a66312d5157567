package ftpd_test

import (
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/nettest/s3store"
	"sluice/s3fs"
)

// bucket is the files of an object store.
type bucket struct{ writable, readOnly afero.Fs }

// openBucket returns the files of the store at a URL, below a prefix of each test.
func openBucket(t *testing.T, url string) *bucket {
	t.Helper()
	open := func(isWritable bool) afero.Fs {
		files, err := s3fs.Open(t.Context(), s3fs.Config{
			Endpoint: url, Bucket: s3store.Bucket, Prefix: t.Name(), Region: "us-east-1",
			AccessKey: s3store.AccessKey, SecretKey: s3store.SecretKey, Writable: isWritable,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = files.Close() })
		return files
	}
	return &bucket{open(true), open(false)}
}

// testDialoguesOverABucket runs the dialogues over files of an object store in place of a directory. The differences are in
// testdata/bucket.txt.
func testDialoguesOverABucket(t *testing.T, url string) {
	known := readOracle(t, "bucket.txt")
	known.begin = func(t *testing.T, set []setting) *server {
		s := scriptWithEngine(ownEngine)(t, set)
		s.access.bucket = openBucket(t, url)
		return s
	}
	known.test(t)
}

func TestDialoguesOverABucket(t *testing.T) { testDialoguesOverABucket(t, s3store.New(t).URL) }
func TestDialoguesOverABucketOfVersitygw(t *testing.T) {
	testDialoguesOverABucket(t, s3store.Versitygw(t).URL)
}
func TestDialoguesOverABucketOfMinIO(t *testing.T) { testDialoguesOverABucket(t, s3store.MinIO(t).URL) }
