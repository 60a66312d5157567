package s3fs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/spf13/afero"

	"sluice/internal/partial"
)

// Create opens a new file, or a new version of one, for writing. Close makes it visible, as a whole.
func (s *FS) Create(name string) (afero.File, error) {
	return s.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
}

// Chmod fails, as Chown and Chtimes do: the store has no mode and no owner, and sets the time itself.
func (s *FS) Chmod(name string, _ fs.FileMode) error {
	return s.refuse("chmod", name, "the object store keeps no permissions of files")
}

// Chown fails.
func (s *FS) Chown(name string, _, _ int) error {
	return s.refuse("chown", name, "the object store keeps no owners of files")
}

// Chtimes fails.
func (s *FS) Chtimes(name string, _, _ time.Time) error {
	return s.refuse("chtimes", name, "the object store keeps the time of the upload")
}

// refuse fails for a reason, or because the bucket may not be changed.
func (s *FS) refuse(op, name string, why refusal) error {
	return s.change(op, name, func(string) error { return why })
}

// change calls f with the key of name, if the bucket may be changed.
func (s *FS) change(op, name string, f func(key string) error) error {
	key, err := s.key(name), error(syscall.EROFS)
	if s.writing.allowed {
		if err = checkKey(key); err == nil {
			err = f(key)
		}
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// Mkdir makes a directory: an empty object whose key ends in a slash.
func (s *FS) Mkdir(name string, _ fs.FileMode) error {
	return s.change("mkdir", name, func(key string) error {
		switch _, err := s.stat(name); {
		case err == nil:
			return fs.ErrExist
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		if err := s.checkDirectory(path.Dir(path.Clean("/" + name))); err != nil {
			return err
		}
		return s.mark(key)
	})
}

// MkdirAll makes a directory. Those above it exist then.
func (s *FS) MkdirAll(name string, _ fs.FileMode) error {
	return s.change("mkdir", name, func(key string) error {
		for above := path.Clean("/" + name); ; above = path.Dir(above) {
			err := s.checkDirectory(above)
			switch {
			case err == nil && above == path.Clean("/"+name):
				return nil
			case err == nil:
				return s.mark(key)
			case !errors.Is(err, fs.ErrNotExist):
				return err
			}
		}
	})
}

// checkDirectory returns an error if name is no directory.
func (s *FS) checkDirectory(name string) error {
	info, err := s.stat(name)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	return err
}

// mark makes the object that marks a directory, which need not be empty.
func (s *FS) mark(key string) error { return s.put(s.ctx, key+"/", nil, "", false) }

// Remove removes a file, an empty directory, or an unfinished upload. A directory that loses its last entry stays, as an
// empty one: it gets a marker, unless two processes remove its last two entries at the same time and one of them ends then.
func (s *FS) Remove(name string) error {
	return s.change("remove", name, func(key string) error {
		if key == "" {
			return syscall.EBUSY
		}
		return s.keepAbove(key, func() error { return s.remove(name, key) })
	})
}

func (s *FS) remove(name, key string) error {
	if s.isUpload(key) { // first, because stat finds none if another server has ended it
		if err := s.discard(key); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	info, err := s.stat(name)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return s.deleteObject(s.ctx, key)
	}
	ctx, done := s.request()
	defer done()
	page, err := s.page(ctx, key+"/", "", "", 2)
	if err != nil {
		return err
	}
	for _, object := range page.Contents {
		if object.Key != key+"/" {
			return syscall.ENOTEMPTY
		}
	}
	return s.deleteObject(s.ctx, key+"/")
}

// keepAbove calls remove, which removes what has that key, and makes sure that the directory above still exists.
func (s *FS) keepAbove(key string, remove func() error) error {
	if err := remove(); err != nil {
		return err
	}
	above := path.Dir(key)
	if above+"/" == s.prefix || above == "." {
		return nil // the root
	}
	ctx, done := s.request()
	defer done()
	page, err := s.page(ctx, above+"/", "", "", 1)
	if err == nil && len(page.Contents) == 0 {
		err = s.mark(above)
	}
	if err != nil {
		return fmt.Errorf("it was removed, but its directory may be gone too: %w", err)
	}
	return nil
}

// deleteObject removes an object, which need not exist. In a bucket with versions the old ones stay.
func (s *FS) deleteObject(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return translateWrite(s.client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{}))
}

// RemoveAll removes a file, or a directory with all that it has, or nothing if there is none. It is not atomic.
func (s *FS) RemoveAll(name string) error {
	return s.change("remove", name, func(key string) error {
		if key == "" {
			return syscall.EBUSY
		}
		err := s.keepAbove(key, func() error {
			if err := s.removeBelow(key + "/"); err != nil {
				return err
			}
			return s.remove(name, key)
		})
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// removeBelow removes all objects whose keys begin with prefix, and the parts of unfinished uploads.
func (s *FS) removeBelow(prefix string) error {
	return s.walk(prefix, func(objects []minio.ObjectInfo) error {
		for _, o := range objects {
			if isUploadObject(o.Key) {
				if err := s.discard(o.Key); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
		return s.deleteObjects(objects)
	})
}

// isUploadObject is isUpload for a key that may be the mark of a directory.
func isUploadObject(key string) bool {
	return !strings.HasSuffix(key, "/") && partial.Is(path.Base(key))
}

// walk calls f with a page of objects after the other, of those whose keys begin with prefix.
func (s *FS) walk(prefix string, f func(objects []minio.ObjectInfo) error) error {
	for token := ""; ; {
		ctx, done := s.request()
		page, err := s.page(ctx, prefix, token, "", pageSize)
		done()
		if err != nil {
			return err
		}
		if err := f(page.Contents); err != nil {
			return err
		}
		if token = page.NextContinuationToken; !page.IsTruncated || token == "" {
			return nil
		}
	}
}

// deleteObjects removes up to a page of objects, by one request.
func (s *FS) deleteObjects(objects []minio.ObjectInfo) (err error) {
	if len(objects) == 0 {
		return nil
	}
	ctx, done := s.request()
	defer done()
	keys := make(chan minio.ObjectInfo, len(objects))
	for _, o := range objects {
		keys <- minio.ObjectInfo{Key: o.Key}
	}
	close(keys)
	for failed := range s.client.RemoveObjects(ctx, s.bucket, keys, minio.RemoveObjectsOptions{}) {
		if err == nil {
			err = fmt.Errorf("%s: %w", failed.ObjectName, translateWrite(failed.Err))
		}
	}
	return err
}

// Rename copies a file in the store and then removes it under its old name, which is not atomic: if it fails in between, both
// names exist, and the error says so. A directory is renamed by renaming all objects below it, if they are not too many
// (Config.MaxRename); unfinished uploads are dropped.
func (s *FS) Rename(from, to string) error {
	if err := s.rename(from, to); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

func (s *FS) rename(from, to string) error {
	old, key := s.key(from), s.key(to)
	switch {
	case !s.writing.allowed:
		return syscall.EROFS
	case old == "" || key == "":
		return syscall.EBUSY
	case old == key:
		_, err := s.stat(from)
		return err
	case strings.HasPrefix(key, old+"/"):
		return syscall.EINVAL
	}
	if err := checkKey(key); err != nil {
		return err
	}
	info, err := s.stat(from)
	switch {
	case err != nil:
		return err
	case !info.IsDir() && s.isUpload(old):
		return s.renameHidden(old, key)
	}
	existing, err := s.stat(to)
	switch {
	case err == nil && (existing.IsDir() || info.IsDir()):
		return fs.ErrExist
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if info.IsDir() {
		return s.keepAbove(old, func() error { return s.renameDirectory(old, key) })
	}
	return s.keepAbove(old, func() error { return s.renameObject(old, key) })
}

// renameObject copies an object, and removes it under its old key unless it was replaced meanwhile.
func (s *FS) renameObject(from, to string) error {
	object, err := s.head(s.ctx, from)
	if err == nil {
		err = s.copyObject(s.ctx, object, to, false)
	}
	if err != nil {
		return err
	}
	if now, err := s.head(s.ctx, from); err == nil && now.ETag != object.ETag {
		return nil // a new file has the old name
	}
	if err := s.deleteObject(s.ctx, from); err != nil {
		return errBothNames{err}
	}
	return nil
}

// errBothNames means that a file has its new name, and its old one too.
type errBothNames struct{ error }

func (e errBothNames) Error() string {
	return "it was copied, but could not be removed, so that both names exist: " + e.error.Error()
}
func (e errBothNames) Unwrap() error { return e.error }

// renameDirectory renames a directory of a bounded number of objects.
func (s *FS) renameDirectory(from, to string) error {
	var objects []minio.ObjectInfo
	err := s.walk(from+"/", func(page []minio.ObjectInfo) error {
		for _, o := range page {
			if !isUploadObject(o.Key) {
				objects = append(objects, o)
			}
		}
		if len(objects) > s.writing.maxRename {
			return refusal(fmt.Sprintf("a directory of more than %d files is not renamed, because the object store copies each", s.writing.maxRename))
		}
		return nil
	})
	if err != nil {
		return err
	}
	copied := make([]minio.ObjectInfo, len(objects))
	for i, o := range objects {
		copied[i].Key = to + strings.TrimPrefix(o.Key, from)
		if err := checkKey(copied[i].Key); err != nil {
			return err
		}
	}
	err = inParallel(len(objects), func(i int) error {
		if isMark := strings.HasSuffix(objects[i].Key, "/"); isMark && objects[i].Size == 0 {
			return s.put(s.ctx, copied[i].Key, nil, "", false) // versitygw does not copy it
		}
		return s.copyObject(s.ctx, objects[i], copied[i].Key, false)
	})
	if err != nil {
		if removeErr := s.removeAll(copied); removeErr != nil {
			return fmt.Errorf("a part of the files was copied, and is there twice: %w", errors.Join(err, removeErr))
		}
		return err
	}
	if err := s.removeBelow(from + "/"); err != nil {
		return errBothNames{err}
	}
	return nil
}

// removeAll is deleteObjects for any number.
func (s *FS) removeAll(objects []minio.ObjectInfo) error {
	for len(objects) > 0 {
		n := min(pageSize, len(objects))
		if err := s.deleteObjects(objects[:n]); err != nil {
			return err
		}
		objects = objects[n:]
	}
	return nil
}

// maxParallel is how many requests a change makes at a time.
const maxParallel = 8

// inParallel calls f for 0 to n-1, until one call fails, and returns that error.
func inParallel(n int, f func(i int) error) error {
	var (
		all    sync.WaitGroup
		mu     sync.Mutex // guards the fields below
		next   int
		failed error
	)
	take := func() (i int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		i = next
		next++
		return i, i < n && failed == nil
	}
	for range min(n, maxParallel) {
		all.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := f(i); err != nil {
					mu.Lock()
					if failed == nil {
						failed = err
					}
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return failed
}
