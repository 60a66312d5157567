package s3fs_test

import (
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"sluice/internal/nettest/s3store"
	"sluice/s3fs"
)

// The names of tests that need an object store of another maker end in Versitygw or MinIO: make test-s3 and make
// test-s3-minio run those alone.

// engine is such a store.
type engine struct{ *s3store.Engine }

// open returns the files of the store, below a prefix of each test; change may be nil.
func (e engine) open(t *testing.T, change func(*s3fs.Config)) *s3fs.FS {
	t.Helper()
	c := s3fs.Config{
		Endpoint: e.URL, Bucket: bucketName, Prefix: t.Name(), Region: "us-east-1",
		AccessKey: s3store.AccessKey, SecretKey: s3store.SecretKey,
	}
	if change != nil {
		change(&c)
	}
	files, err := s3fs.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	return files
}

// keepVersions makes the store keep replaced and removed objects.
func (e engine) keepVersions(t *testing.T) {
	t.Helper()
	client, err := minio.New(e.URL[len("http://"):], &minio.Options{Creds: credentials.NewStaticV4(s3store.AccessKey, s3store.SecretKey, ""), Region: "us-east-1"})
	if err == nil {
		err = client.EnableVersioning(t.Context(), bucketName)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// testBehaviors tests what any store must allow.
func (e engine) testBehaviors(t *testing.T) {
	for _, behavior := range behaviors {
		t.Run(behavior.name, func(t *testing.T) {
			behavior.test(t, e)
			if n := e.Unfinished(t); n != 0 {
				t.Errorf("%d multipart uploads are left", n)
			}
		})
	}
}

func TestABucketOfVersitygw(t *testing.T) { engine{s3store.Versitygw(t)}.testBehaviors(t) }
func TestABucketOfMinIO(t *testing.T)     { engine{s3store.MinIO(t)}.testBehaviors(t) }

// testVersions tests a bucket with versions, in which files must behave as in any other.
func (e engine) testVersions(t *testing.T) {
	e.keepVersions(t)
	e.testBehaviors(t)
	for name, change := range map[string]func(files *s3fs.FS) error{
		"is replaced": func(files *s3fs.FS) error { return putFile(files, "f", []byte("new")) },
		"is removed":  func(files *s3fs.FS) error { return files.Remove("f") },
		"is renamed":  func(files *s3fs.FS) error { return files.Rename("f", "g") },
	} {
		t.Run("a file that "+name+" is read to its end", func(t *testing.T) {
			files := writable(t, e)
			if err := putFile(files, "f", pattern(3<<20)); err != nil {
				t.Fatal(err)
			}
			f, err := files.Open("f")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := readSome(f, 0, 1000); err != nil {
				t.Fatal(err)
			}
			if err := change(files); err != nil {
				t.Fatal(err)
			}
			if err := readSome(f, 1000, 3<<20-1000); err != nil {
				t.Error(err)
			}
		})
	}
}

// versitygw takes a removed file for an existing one in If-None-Match, if its bucket has versions.
func TestABucketWithVersionsOfMinIO(t *testing.T) { engine{s3store.MinIO(t)}.testVersions(t) }
