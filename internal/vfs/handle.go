package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/afero"
)

// handle is an open file of an adapter, if it is no *os.File. It implements ReadAt and WriteAt by Seek, Read and Write,
// because those of several kinds of afero.Fs are missing or wrong (see the package comment). Each open has a handle of
// its own, for one goroutine at a time.
type handle struct {
	afero.File

	owner  *adapter // that has opened it; nil: it is not known
	name   string   // result of Name
	reopen func() (afero.File, error)

	pos       int64 // position in the file
	noSeek    bool  // whether Seek has failed
	sharedPos bool  // whether only ReadAt may be used, see hasSharedPosition

	readSize int64     // size of the file, up to which ReadAt reads; negative: open for writing
	modTime  time.Time // modification time of the file when it was opened for reading
}

// newHandle returns a handle for writing to f, which was opened as full. To read, the caller sets the fields for it.
func newHandle(f afero.File, full string) *handle {
	return &handle{File: f, name: strings.TrimPrefix(full, "/"), readSize: -1, sharedPos: hasSharedPosition(f)}
}

// maxEmpty is how many consecutive calls of Read may return 0 bytes without an error, as in package bufio.
const maxEmpty = 100

func (h *handle) Name() string { return h.name }

// Stat describes the file, and sets the size up to which ReadAt reads.
func (h *handle) Stat() (fs.FileInfo, error) {
	return recoverPanic(func() (fs.FileInfo, error) {
		fi, err := h.File.Stat()
		if err != nil {
			return nil, err
		}
		now, err := checkSize(snapshot(fi, h.name))
		if err != nil {
			return nil, err
		}
		if h.readSize >= 0 && now.Mode().IsRegular() {
			h.readSize = now.Size()
		}
		return now, nil
	})
}

// ReadAt implements io.ReaderAt. If off is before the position and Seek fails, the file is opened again and read from
// its beginning.
func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	want := len(p)
	if h.readSize >= 0 { // files of afero's zipfs panic beyond their end
		p = p[:min(int64(want), max(h.readSize-off, 0))]
	}
	if len(p) > 0 && !h.sharedPos {
		if err := h.seek(off); err != nil {
			return 0, err
		}
	}
	n, err := h.readFull(p, off)
	if err == nil && n < want {
		err = io.EOF
	}
	return n, err
}

// Read reads from the position.
func (h *handle) Read(p []byte) (int, error) {
	n, err := recoverPanic(func() (int, error) { return h.File.Read(p) })
	n, err = checkCount("read", n, len(p), err)
	h.pos += int64(n)
	return n, err
}

// readFull reads from off, which is the position, until p is full or an error, such as io.EOF.
func (h *handle) readFull(p []byte, off int64) (int, error) {
	got, empty := 0, 0
	for got < len(p) {
		n, err := h.readOnce(p[got:], off+int64(got))
		got += n
		switch {
		case got == len(p):
		case err != nil:
			return got, err
		case n > 0:
			empty = 0
		default:
			if empty++; empty == maxEmpty {
				return got, io.ErrNoProgress
			}
		}
	}
	return got, nil
}

// readOnce makes one call of Read or ReadAt.
func (h *handle) readOnce(p []byte, off int64) (int, error) {
	if !h.sharedPos {
		return h.Read(p)
	}
	n, err := recoverPanic(func() (int, error) { return h.File.ReadAt(p, off) })
	return checkCount("read", n, len(p), err)
}

// checkCount returns n and err, the results of a call with a buffer of maxBytes, or an error if that n is impossible.
func checkCount(verb string, n, maxBytes int, err error) (int, error) {
	if n < 0 && err != nil {
		return 0, err
	}
	if n < 0 || n > maxBytes {
		return 0, fmt.Errorf("the file system says that it has %s %d of %d bytes", verb, n, maxBytes)
	}
	return n, err
}

// hasSharedPosition reports whether all open handles of a file share one position, so that only ReadAt can be used. That
// is a fault of afero's tarfs.
func hasSharedPosition(f afero.File) bool {
	t := reflect.TypeOf(f)
	return t.Kind() == reflect.Pointer && t.Elem().PkgPath() == "github.com/spf13/afero/tarfs"
}

// TransferError passes on err to the file, if it has a method TransferError as files for ftpserverlib may. It means that
// the transfer failed. Close follows.
func (h *handle) TransferError(err error) {
	if f, ok := h.File.(interface{ TransferError(err error) }); ok {
		_, _ = recoverPanic(func() (struct{}, error) { f.TransferError(err); return struct{}{}, nil })
	}
}

// WriteAt implements io.WriterAt.
func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	if err := h.seek(off); err != nil {
		return 0, err
	}
	return h.Write(p)
}

// Write writes at the position.
func (h *handle) Write(p []byte) (int, error) {
	n, err := recoverPanic(func() (int, error) { return h.File.Write(p) })
	n, err = checkCount("written", n, len(p), err)
	h.pos += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

// Seek implements io.Seeker.
func (h *handle) Seek(offset int64, whence int) (int64, error) {
	at, err := recoverPanic(func() (int64, error) { return h.File.Seek(offset, whence) })
	if err == nil {
		h.pos = at
	}
	return at, err
}

// seek moves the position to off, by Seek or by reading up to it.
func (h *handle) seek(off int64) error {
	if h.pos == off {
		return nil
	}
	if !h.noSeek {
		at, err := h.Seek(off, io.SeekStart)
		if err == nil && at == off {
			return nil
		}
		if h.readSize < 0 {
			return errors.Join(errors.New("the file system cannot write at an offset"), err)
		}
		h.noSeek = true
	}
	if off < h.pos || h.pos < 0 {
		if err := h.restart(); err != nil {
			return err
		}
	}
	_, err := io.CopyN(io.Discard, struct{ io.Reader }{h}, off-h.pos)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// errReplaced means that a file was opened again, to read on, and the name means another file now.
var errReplaced = errors.New("the file was replaced while it was read")

// restart opens the file again, which moves the position to its beginning. The error is errReplaced if size or time of
// modification are not those of before.
func (h *handle) restart() error {
	f, err := h.reopen()
	if err != nil {
		return err
	}
	fi, err := newHandle(f, h.name).Stat()
	if err == nil && (fi.Size() != h.readSize || !fi.ModTime().Equal(h.modTime)) {
		err = errReplaced
	}
	if err != nil {
		_, _ = recoverPanic(func() (struct{}, error) { return struct{}{}, f.Close() })
		return err
	}
	_ = h.File.Close() // nothing was written to it
	h.File, h.pos = f, 0
	return nil
}

// Truncate changes the size of the file.
func (h *handle) Truncate(size int64) error {
	return h.protected(func() error { return h.File.Truncate(size) })
}

// Sync flushes written data to the disk.
func (h *handle) Sync() error { return h.protected(h.File.Sync) }

// Close closes the file. After writing it calls CountChange, because some file systems show the data only then.
func (h *handle) Close() error {
	if h.readSize < 0 {
		defer CountChange()
	}
	return h.protected(h.File.Close)
}

// protected calls f and turns a panic into an error.
func (h *handle) protected(f func() error) error {
	_, err := recoverPanic(func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// WriteString writes s at the position.
func (h *handle) WriteString(s string) (int, error) { return h.Write([]byte(s)) }

// fileInfo is a copy of an fs.FileInfo, because that of some file systems, such as afero.MemMapFs, changes with the file.
type fileInfo struct {
	name    string
	size    int64
	mode    fs.FileMode
	modTime time.Time
	sys     any
}

// snapshot returns a copy of fi. Its name is the last element of name.
func snapshot(fi fs.FileInfo, name string) fs.FileInfo {
	return &fileInfo{baseName(name), fi.Size(), fi.Mode(), fi.ModTime(), fi.Sys()}
}

// checkSize returns an error if the size is negative.
func checkSize(fi fs.FileInfo) (fs.FileInfo, error) {
	if fi.Size() < 0 {
		return nil, fmt.Errorf("the file system says that a file has %d bytes", fi.Size())
	}
	return fi, nil
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return i.size }
func (i *fileInfo) Mode() fs.FileMode  { return i.mode }
func (i *fileInfo) ModTime() time.Time { return i.modTime }
func (i *fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i *fileInfo) Sys() any           { return i.sys }
