// Package s3store is an object store in memory, for tests of what is served from one.
//
//	store := s3store.New(t, "a", "dir/b") // objects whose content is their key
//	files, err := s3fs.Open(t.Context(), s3fs.Config{Endpoint: store.URL, Bucket: s3store.Bucket, Anonymous: true})
package s3store
