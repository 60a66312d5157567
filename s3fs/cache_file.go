package s3fs

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/afero"
)

// UseCache is Config.Cache for a program that opens its cache later than the FS, because it changes its user in between. Call
// it before the first file is opened.
func (s *FS) UseCache(c *Cache) { s.cache = c }

// openObject returns the file of an object, from the cache if that has it.
func (s *FS) openObject(name string, info *info) afero.File {
	f := newFile(s, name, info)
	if s.cache == nil || !s.cache.keeps(info.size) || info.object.ETag == "" {
		return f
	}
	id := s.cacheID(f.key, info)
	if local := s.cache.open(id); local != nil {
		s.cache.count(func(st *CacheStats) { st.Hits++ })
		f.cancel()
		return &localFile{noWrites: f.noWrites, File: local, info: info}
	}
	s.cache.count(func(st *CacheStats) { st.Misses++ })
	return &filledFile{file: f, id: id}
}

// cacheID returns the ID of an object: a hash, so that the names of files in the cache say nothing.
func (s *FS) cacheID(key string, info *info) cacheID {
	h := sha256.New()
	for _, part := range []string{s.client.EndpointURL().String(), s.bucket, key, info.object.ETag, info.object.VersionID} {
		_, _ = fmt.Fprintf(h, "%d:%s,", len(part), part)
	}
	_, _ = fmt.Fprint(h, info.size)
	return cacheID(h.Sum(nil))
}

// localFile is an object in the cache, described as the store describes it.
type localFile struct {
	noWrites
	*os.File
	info *info
}

var _ afero.File = (*localFile)(nil)

// OSFile returns the file on the disk, from which the servers send it.
func (f *localFile) OSFile() *os.File { return f.File }

func (f *localFile) Name() string                           { return f.noWrites.name }
func (f *localFile) Stat() (fs.FileInfo, error)             { return f.info, nil }
func (f *localFile) Sync() error                            { return nil }
func (f *localFile) Truncate(n int64) error                 { return f.noWrites.Truncate(n) }
func (f *localFile) Write(p []byte) (int, error)            { return f.noWrites.Write(p) }
func (f *localFile) WriteAt(p []byte, o int64) (int, error) { return f.noWrites.WriteAt(p, o) }
func (f *localFile) WriteString(s string) (int, error)      { return f.noWrites.WriteString(s) }

// filledFile is an object that was not in the cache when it was opened. It reads from the fill of the object as long as
// that has the bytes, and else from the store.
type filledFile struct {
	*file
	id   cacheID
	fill *fill // nil: none
}

var _ afero.File = (*filledFile)(nil)

// Read reads from the fill, or from the store.
func (f *filledFile) Read(p []byte) (int, error) {
	if len(p) == 0 || f.off >= f.info.size {
		return f.file.Read(p)
	}
	if f.fill == nil && f.body == nil {
		f.findFill()
	}
	if f.fill != nil {
		n, err := f.fill.readAt(f.ctx, p, f.off)
		if err == nil {
			f.off += int64(n)
			return n, nil
		}
		if err != errNotHere { //nolint:errorlint // it is not wrapped
			return 0, f.fail("read", err)
		}
	}
	return f.file.Read(p)
}

// findFill sets fill. One begins with a read of the first bytes, or of any in an object that is a single part, so that
// nothing comes from the store that nobody wants.
func (f *filledFile) findFill() {
	cache := f.fs.cache
	mayBegin := f.off == 0 || f.info.size <= firstPart
	f.fill = cache.join(f.id, mayBegin, func() *file { return newFile(f.fs, f.name, f.info) })
	if f.fill == nil {
		if local := cache.open(f.id); local != nil { // another fill has come to its end meanwhile
			f.fill = wholeFill(cache, local, f.info.size)
		}
	}
}

// Close ends the use of the fill, which goes on if others read from it.
func (f *filledFile) Close() error {
	if f.fill != nil {
		f.fill.leave()
		f.fill = nil
	}
	return f.file.Close()
}
