package s3fs_test

import (
	"net/http"
	"testing"

	"sluice/internal/nettest/s3store"
	"sluice/s3fs"
)

const bucketName = s3store.Bucket

var modified = s3store.Modified

// store is an object store in memory.
type store struct{ *s3store.Store }

// newStore returns a store with objects whose content is their key.
func newStore(t *testing.T, keys ...string) *store {
	t.Helper()
	return &store{s3store.New(t, keys...)}
}

// open returns the files of the store; change may be nil.
func (s *store) open(t *testing.T, change func(*s3fs.Config)) *s3fs.FS {
	t.Helper()
	c := s3fs.Config{Endpoint: s.URL, Bucket: s3store.Bucket, Region: "us-east-1", AccessKey: "key", SecretKey: "secret"}
	if change != nil {
		change(&c)
	}
	files, err := s3fs.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	s.forget()
	return files
}

func (s *store) put(key string, content []byte) { s.Put(key, content) }

func (s *store) forget() []string { return s.Forget() }

func (s *store) setFault(f func(n int, w http.ResponseWriter, r *http.Request) bool) { s.SetFault(f) }

func refuse(w http.ResponseWriter, status int, code string) { s3store.Refuse(w, status, code) }
