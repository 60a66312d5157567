package s3fs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/spf13/afero"

	"sluice/internal/partial"
)

// The methods below make an FS a file system in which an upload becomes visible as a whole, for Sluice's servers; other
// programs use Create and OpenFile. The bytes are sent to the store as parts of the object that they become. So the name of
// that is needed when the upload begins, and joining the parts copies nothing.
//
// temp is a hidden name of an upload. Until SyncUpload or Rename it is known to this FS alone. Afterwards a small object of
// that name says where the parts are, and every FS of the bucket can find, continue, finish and remove the upload.

// CreateUpload begins an upload that CommitUpload makes the file target. If target is "" because the name is not known
// before, CommitUpload copies the file in the store, if it has more than one part.
func (s *FS) CreateUpload(temp, target string, _ fs.FileMode) (afero.File, error) {
	f, err := s.createUpload(temp, target)
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: target, Err: err}
	}
	return f, nil
}

func (s *FS) createUpload(temp, target string) (*writer, error) {
	if !s.writing.allowed {
		return nil, syscall.EROFS
	}
	name, key := s.key(temp), s.key(target)
	if target == "" {
		key = name
	}
	if err := errors.Join(checkKey(name), checkKey(key)); err != nil {
		return nil, err
	}
	u := s.newUpload(key)
	u.name = name
	if !s.writing.add(name, u) {
		u.release()
		return nil, fs.ErrExist
	}
	return &writer{fs: s, name: temp, key: name, upload: u, kind: upToCommit}, nil
}

// SyncUpload stores what is needed to continue the upload after this process has ended.
func (s *FS) SyncUpload(f afero.File) error {
	w, ok := f.(*writer)
	switch {
	case !ok:
		return f.Sync()
	case w.closed:
		return fs.ErrClosed
	case w.kind == upToClose: // it is stored when it is closed
		return nil
	}
	if err := w.upload.save(w.key); err != nil {
		return err
	}
	w.kind = upToAnyone
	return nil
}

// CommitUpload makes an upload, which is closed, the file target. With the flag os.O_EXCL the error is fs.ErrExist if there
// is such a file. It returns when the store has confirmed the file.
func (s *FS) CommitUpload(temp, target string, flag int) error {
	if err := s.commitUpload(s.key(temp), s.key(target), flag&os.O_EXCL != 0); err != nil {
		return &fs.PathError{Op: "create", Path: target, Err: err}
	}
	return nil
}

func (s *FS) commitUpload(name, target string, exclusive bool) error {
	if err := checkKey(target); err != nil {
		return err
	}
	u, isLoaded, err := s.takeUpload(name)
	if err != nil {
		return err
	}
	if err := u.commit(target, exclusive); err != nil {
		if isLoaded { // it is in the store as it was
			s.writing.remove(name, u)
			u.release()
		}
		return err // AbortUpload, Rename or another attempt follows
	}
	s.writing.remove(name, u)
	u.release()
	if u.marked != "" {
		_ = s.deleteObject(s.ctx, u.marked) // without its parts it counts as no upload
	}
	return nil
}

// IsAbandonedUpload reports whether the process that has begun or continued the upload temp has ended without ending the
// upload. It is sure of that after some time only.
func (s *FS) IsAbandonedUpload(temp string) bool {
	key := s.key(temp)
	if s.writing.find(key) != nil {
		return false
	}
	age, err := s.ageOfMarker(key)
	return err == nil && age > leaseTime
}

// takeUpload returns the upload of that name: the one that this FS has begun, or else that in the store.
func (s *FS) takeUpload(name string) (u *upload, isLoaded bool, err error) {
	if u := s.writing.find(name); u != nil {
		return u, false, nil
	}
	if u, err = s.load(name); err != nil {
		return nil, false, err
	}
	if !s.writing.add(name, u) {
		u.release()
		return nil, false, errInUse
	}
	return u, true, nil
}

// AbortUpload removes an upload, which is closed, and its parts from the store.
func (s *FS) AbortUpload(temp string) error { return s.Remove(temp) }

// PersistentUploads reports that CommitUpload and Rename make sure by themselves that a file survives a crash, and that an
// upload which was synced, or renamed to another hidden name, can be found by that name.
func (s *FS) PersistentUploads() bool { return true }

// errInUse means that an upload has another open file.
var errInUse = errors.New("the upload is continued already")

// openHidden opens an upload to continue it.
func (s *FS) openHidden(name, key string) (*writer, error) {
	u, isLoaded, err := s.takeUpload(key)
	switch {
	case errors.Is(err, errNoMarker):
		return nil, errInside
	case err != nil:
		return nil, err
	}
	kind := upToCommit
	if isLoaded {
		kind = upToAnyone
		if err := u.spoil(u.stray); err != nil {
			s.writing.remove(key, u)
			u.release()
			return nil, err
		}
	}
	return &writer{fs: s, name: name, key: key, upload: u, at: u.size.Load(), kind: kind}, nil
}

// readHidden opens what has a name of package partial for reading: a small file, or an upload that has no parts yet.
func (s *FS) readHidden(name, key string, info *info) (afero.File, error) {
	content, size, _, err := s.readSmall(s.ctx, key, info.size < maxLine)
	if err != nil {
		return nil, err
	}
	m, data, err := parseMarker(content)
	switch {
	case errors.Is(err, errNoMarker) && int64(len(content)) == size:
		data = content
	case errors.Is(err, errNoMarker):
		return newFile(s, name, info), nil
	case err != nil:
		return nil, err
	case m.ID != "" || int64(len(data)) < info.size:
		return nil, errWriteOnly
	}
	return &smallFile{noWrites{name}, bytes.NewReader(data), info}, nil
}

// smallFile is an open file whose bytes are in memory.
type smallFile struct {
	noWrites
	*bytes.Reader
	info *info
}

var _ afero.File = (*smallFile)(nil)

func (f *smallFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *smallFile) Close() error               { return nil }

func (f *smallFile) Readdir(int) ([]fs.FileInfo, error) { return nil, syscall.ENOTDIR }
func (f *smallFile) Readdirnames(int) ([]string, error) { return nil, syscall.ENOTDIR }

// renameHidden gives an upload, which is closed, another hidden name, or makes it a file.
func (s *FS) renameHidden(from, to string) error {
	if !partial.Is(path.Base(to)) {
		err := s.commitUpload(from, to, false)
		if errors.Is(err, errNoMarker) {
			err = s.renameObject(from, to)
		}
		return err
	}
	u := s.writing.find(from)
	if u == nil {
		return s.renameObject(from, to)
	}
	before := u.marked
	if err := u.save(to); err != nil {
		return err
	}
	s.writing.remove(from, u)
	u.release()
	if before != "" && before != to {
		return s.deleteObject(s.ctx, before)
	}
	return nil
}
