package s3fs

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/spf13/afero"

	"sluice/internal/partial"
)

// FS is the files of a bucket. Its methods are safe for concurrent use.
type FS struct {
	client    *minio.Core
	transport *http.Transport
	requests  *observer
	bucket    string
	prefix    string // of all keys; "", or it ends in a slash
	timeout   time.Duration
	cache     *Cache // nil: none
	presigner *presigner

	ctx    context.Context // until Close
	cancel context.CancelFunc

	writing  *writing
	problems problems

	showsRemoved bool // listings have directories of which all objects were removed
}

var _ afero.Fs = (*FS)(nil)

// Close ends all requests, and closes the connections. Open files fail afterwards.
func (s *FS) Close() error {
	s.cancel()
	s.transport.CloseIdleConnections()
	return nil
}

// Name implements [afero.Fs].
func (s *FS) Name() string { return "s3://" + s.bucket + "/" + s.prefix }

// key returns the key of a file, and that of a directory without its last slash. That of the root is "".
func (s *FS) key(name string) string {
	clean := path.Clean("/" + name)
	if clean == "/" {
		return ""
	}
	return s.prefix + clean[1:]
}

// Stat returns what the store knows about a file or directory. Its Sys is an [*Object] for a file, and nil for a directory.
func (s *FS) Stat(name string) (fs.FileInfo, error) {
	info, err := s.stat(name)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return info, nil
}

func (s *FS) stat(name string) (*info, error) {
	key := s.key(name)
	if key == "" {
		return directory("/"), nil
	}
	ctx, done := s.request()
	defer done()
	info, err := s.statFile(ctx, key)
	switch {
	case errors.Is(err, fs.ErrPermission): // an answer to HEAD has no code: perhaps the credentials are no longer valid
		if _, listErr := s.list(ctx, key+"/", "", 1); errors.Is(listErr, ErrStore) {
			err = listErr
		}
		return nil, err
	case !errors.Is(err, fs.ErrNotExist):
		return info, err
	}
	return s.statDir(ctx, key)
}

// statDir is stat for a key of which there is no object.
func (s *FS) statDir(ctx context.Context, key string) (*info, error) {
	page, err := s.page(ctx, key+"/", "", "", 1) // what is below counts, not what is listed: see existing
	if err != nil {
		return nil, err
	}
	if len(page.Contents) == 0 {
		return nil, fs.ErrNotExist
	}
	return directory(path.Base(key)), nil
}

// statFile is stat, unless the key is that of a directory.
func (s *FS) statFile(ctx context.Context, key string) (*info, error) {
	if s.isUpload(key) {
		return s.statHidden(key)
	}
	object, err := s.client.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	switch {
	case err == nil:
	case minio.ToErrorResponse(err).StatusCode == http.StatusBadRequest && hasLongName(key):
		return nil, syscall.ENAMETOOLONG // an answer to HEAD has no code
	default:
		return nil, translate(err)
	}
	return fileOf(path.Base(key), &object), nil
}

// hasLongName reports whether a part of a key is too long for the name of a file on disks, which are what some stores have.
func hasLongName(key string) bool {
	return slices.ContainsFunc(strings.Split(key, "/"), func(name string) bool { return len(name) > 255 })
}

// request returns a context for a request with a short answer.
func (s *FS) request() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.ctx, s.timeout)
}

// list returns up to n entries of a directory, whose key ends in a slash unless it is "", from where token says.
func (s *FS) list(ctx context.Context, prefix, token string, n int) (minio.ListBucketV2Result, error) {
	return s.page(ctx, prefix, token, "/", n)
}

// page is list, but without a delimiter it returns all objects below the directory.
func (s *FS) page(ctx context.Context, prefix, token, delimiter string, n int) (page minio.ListBucketV2Result, err error) {
	// The method of the library takes no context.
	type result struct {
		page minio.ListBucketV2Result
		err  error
	}
	got := make(chan result, 1)
	go func() {
		page, err := s.client.ListObjectsV2(s.bucket, prefix, "", token, delimiter, n)
		got <- result{page, err}
	}()
	select {
	case r := <-got:
		return r.page, translate(r.err)
	case <-ctx.Done():
		return page, translate(context.Cause(ctx))
	}
}

// isUpload reports whether a key is that of an unfinished upload, of which the object shows less than all.
func (s *FS) isUpload(key string) bool { return s.writing.allowed && partial.Is(path.Base(key)) }

// NoSpecialFiles says that all names mean files and directories: the servers need not ask before they open one.
func (s *FS) NoSpecialFiles() {}

// Remote says that each call is a request to another machine: the servers take care not to look twice.
func (s *FS) Remote() {}

// Open opens a file or a directory for reading.
func (s *FS) Open(name string) (afero.File, error) {
	info, err := s.stat(name)
	var f afero.File
	switch key := s.key(name); {
	case err != nil:
	case info.IsDir():
		f = &dir{fs: s, name: name, info: info}
	case s.isUpload(key):
		f, err = s.readHidden(name, key, info)
	default:
		f = s.openObject(name, info)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return f, nil
}

// OpenFile opens a file or a directory for reading, or a file for writing as Create does. A file that exists is only replaced
// (os.O_TRUNC). With os.O_EXCL the error of OpenFile or Close is [fs.ErrExist] if there is one.
func (s *FS) OpenFile(name string, flag int, _ fs.FileMode) (afero.File, error) {
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) == 0 {
		return s.Open(name)
	}
	f, err := s.openToWrite(name, flag)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return f, nil
}

// Object is what the store says about a file.
type Object struct {
	ETag      string // with its quotation marks
	VersionID string // "" unless the bucket has versions
	MediaType string // as it was stored with the object; "" in a listing
}

// EntityTag returns the ETag. Servers find the method by an interface, and take the tag as the file's own.
func (o *Object) EntityTag() string { return o.ETag }

// ContentType returns the MediaType. Servers find the method as they do EntityTag.
func (o *Object) ContentType() string { return o.MediaType }

// info describes a file or directory.
type info struct {
	name   string
	size   int64
	time   time.Time
	object *Object // nil for a directory
}

func directory(name string) *info { return &info{name: name} }

func fileOf(name string, o *minio.ObjectInfo) *info {
	etag := o.ETag
	if etag != "" && !strings.HasPrefix(etag, `"`) {
		etag = `"` + etag + `"`
	}
	modified := o.LastModified.Truncate(time.Second) // some listings are more exact than the header of the object
	return &info{name: name, size: o.Size, time: modified, object: &Object{etag, o.VersionID, o.ContentType}}
}

func (i *info) Name() string       { return i.name }
func (i *info) Size() int64        { return i.size }
func (i *info) ModTime() time.Time { return i.time }
func (i *info) IsDir() bool        { return i.object == nil }

func (i *info) Mode() fs.FileMode {
	if i.IsDir() {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

func (i *info) Sys() any {
	if i.object == nil {
		return nil
	}
	return i.object
}
