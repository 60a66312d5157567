package s3fs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/spf13/afero"

	"sluice/internal/partial"
)

// errInside refuses to change a part of an object.
const errInside = refusal("the object store cannot change or extend a file: send it as a whole")

// errOrder refuses an offset that is not the end of what was written.
const errOrder = refusal("the object store takes the bytes of a file only in their order, from the first")

// errWriteOnly refuses to read a file that is open for writing.
const errWriteOnly = refusal("the object store gives back no bytes of a file that is being written")

// writerKind says what Close does with the bytes.
type writerKind int

const (
	upToClose  writerKind = iota // it makes them the file
	upToCommit                   // it keeps them for CommitUpload
	upToAnyone                   // it stores them for any FS to continue
)

// writer is an open file that is being written, from its beginning to its end. It is for one goroutine.
type writer struct {
	fs     *FS
	name   string
	key    string // of name
	upload *upload
	at     int64 // where Write continues
	kind   writerKind

	exclusive bool  // of upToClose: there must be no such file
	aborted   error // why the file is incomplete
	closed    bool
}

var _ afero.File = (*writer)(nil)

func (w *writer) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: w.name, Err: err}
}

func (w *writer) Name() string { return w.name }

// Stat returns the number of bytes that were written.
func (w *writer) Stat() (fs.FileInfo, error) { return w.upload.info(w.key), nil }

// Write writes at the end.
func (w *writer) Write(p []byte) (int, error) { return w.WriteAt(p, w.at) }

// WriteString is Write for a string.
func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// WriteAt writes at off, which must be the end.
func (w *writer) WriteAt(p []byte, off int64) (int, error) {
	switch {
	case w.closed:
		return 0, w.fail("write", fs.ErrClosed)
	case off != w.upload.size.Load():
		return 0, w.fail("write", errOrder)
	}
	n, err := w.upload.write(p)
	w.at = off + int64(n)
	if err != nil && w.aborted == nil {
		w.aborted = err
	}
	return n, w.fail("write", err)
}

// Seek moves to the end, or reports the position.
func (w *writer) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += w.at
	case io.SeekEnd:
		offset += w.upload.size.Load()
	}
	switch {
	case offset < 0:
		return 0, w.fail("seek", syscall.EINVAL)
	case offset != 0 && offset != w.upload.size.Load(): // a Write at 0 is refused if it comes
		return 0, w.fail("seek", errOrder)
	}
	w.at = offset
	return offset, nil
}

// Truncate forgets bytes at the end, as far as they can be taken back.
func (w *writer) Truncate(size int64) error {
	if w.closed {
		return w.fail("truncate", fs.ErrClosed)
	}
	if size < 0 {
		return w.fail("truncate", syscall.EINVAL)
	}
	return w.fail("truncate", w.upload.truncate(size))
}

// Sync does nothing for a file that Close stores.
func (w *writer) Sync() error { return w.fail("sync", w.fs.SyncUpload(w)) }

// TransferError says that the file is incomplete: Close drops it then, unless it is kept to be continued.
func (w *writer) TransferError(err error) { w.aborted = err }

// Close stores the file. If it was not sent as a whole, because a write has failed or TransferError was called, there is no
// such file, or the old one.
func (w *writer) Close() error {
	if w.closed {
		return w.fail("close", fs.ErrClosed)
	}
	w.closed = true
	u := w.upload
	switch w.kind {
	case upToCommit:
		return nil
	case upToAnyone:
		err := u.save(w.key)
		w.fs.writing.remove(w.key, u)
		u.release()
		return w.fail("close", err)
	}
	err := w.aborted
	if err == nil {
		err = u.commit(w.key, w.exclusive)
	}
	if err != nil {
		_ = u.abort() // the first error is the reason
		return w.fail("close", err)
	}
	u.release()
	return nil
}

// Read fails.
func (w *writer) Read([]byte) (int, error) { return 0, w.fail("read", errWriteOnly) }

// ReadAt fails.
func (w *writer) ReadAt([]byte, int64) (int, error) { return 0, w.fail("read", errWriteOnly) }

// Readdir fails: this is no directory.
func (w *writer) Readdir(int) ([]fs.FileInfo, error) { return nil, w.fail("readdir", syscall.ENOTDIR) }

// Readdirnames fails.
func (w *writer) Readdirnames(int) ([]string, error) { return nil, w.fail("readdir", syscall.ENOTDIR) }

// openToWrite opens a file with one of the flags for that.
func (s *FS) openToWrite(name string, flag int) (afero.File, error) {
	key := s.key(name)
	if !s.writing.allowed {
		return nil, syscall.EROFS
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if flag&os.O_CREATE == 0 && partial.Is(path.Base(key)) {
		return s.openHidden(name, key)
	}
	info, err := s.stat(name)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil && flag&os.O_CREATE == 0:
		return nil, fs.ErrNotExist
	case err != nil:
	case info.IsDir():
		return nil, syscall.EISDIR
	case flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL:
		return nil, fs.ErrExist
	case flag&os.O_TRUNC == 0:
		return nil, errInside
	}
	return &writer{fs: s, name: name, key: key, upload: s.newUpload(key), exclusive: flag&os.O_EXCL != 0}, nil
}
