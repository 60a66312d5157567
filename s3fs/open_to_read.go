package s3fs

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/spf13/afero"
)

// OpensToRead reports whether OpenToRead takes fewer requests than Open. With a cache it does not: Open has to ask for the
// version of an object before anything is read.
func (s *FS) OpensToRead() bool { return s.cache == nil }

// OpenToRead is Open for a caller that reads the file from its beginning. The request that opens it is the one for its first
// part. The caller should read at least that, 1 MiB: otherwise the connection to the store is of no further use. Servers
// find the method by an interface.
func (s *FS) OpenToRead(name string) (afero.File, error) {
	key := s.key(name)
	if key == "" || s.isUpload(key) || !s.OpensToRead() {
		return s.Open(name)
	}
	f := newFile(s, name, nil)
	err := f.openFirst()
	if err == nil {
		return f, nil
	}
	f.cancel()
	switch {
	case errors.Is(err, errNoFirst): // an empty file
		return s.Open(name)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	ctx, done := s.request()
	defer done()
	info, err := s.statDir(ctx, key)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &dir{fs: s, name: name, info: info}, nil
}

// errNoFirst means that the store has no first part of an object.
var errNoFirst = errors.New("the object is empty")

// openFirst asks for the first part, and sets what its answer says about the file.
func (f *file) openFirst() error {
	var opt minio.GetObjectOptions
	if err := opt.SetRange(0, firstPart-1); err != nil {
		return err
	}
	limit := time.AfterFunc(f.fs.timeout, f.cancel) // for all attempts together, as for a HEAD
	body, object, header, err := f.fs.client.GetObject(f.ctx, f.fs.bucket, f.key, opt)
	if !limit.Stop() {
		if err == nil {
			_ = body.Close()
		}
		return fmt.Errorf("%w: no answer in time: %w", ErrStore, os.ErrDeadlineExceeded)
	}
	if minio.ToErrorResponse(err).StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return errNoFirst
	}
	if err != nil {
		return translate(err)
	}
	n := object.Size
	if object.Size, err = wholeSize(header.Get("Content-Range"), n); err != nil {
		_ = body.Close()
		return err
	}
	f.info = fileOf(path.Base(f.key), &object)
	f.body, f.end, f.next = body, n, min(4*firstPart, largest)
	return nil
}

// wholeSize returns the size of an object of which an answer has the first n bytes. Without a range it has all.
func wholeSize(contentRange string, n int64) (size int64, err error) {
	size = n
	if contentRange != "" {
		var first, last int64
		_, err = fmt.Sscanf(contentRange, "bytes %d-%d/%d", &first, &last, &size)
		if err == nil && (first != 0 || last != n-1 || n != min(firstPart, size)) {
			err = errors.New("another part than the first")
		}
	}
	if err == nil && size < 0 {
		err = errors.New("no length")
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %d bytes with the range %q: %w", ErrStore, n, contentRange, err)
	}
	return size, nil
}
