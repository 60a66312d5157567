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

// handle is an open file of a file system of which only Read, Write and Seek are believed, and these only on a handle
// that nobody else has. It makes ReadAt and WriteAt of them, which the files of several kinds of afero.Fs do not
// have, or have with a position that others see. It is for one goroutine at a time.
type handle struct {
	afero.File

	name   string // as Name returns it
	reopen func() (afero.File, error)

	pos       int64 // where the file's position is
	noSeek    bool  // Seek does not work here
	sharedPos bool  // the position is that of other handles too

	// Of a file opened for reading, what it was then.
	maxSize int64 // it is not read behind that; negative: it is written to
	modTime time.Time
}

// newHandle returns the handle of f, which full names, to write to.
func newHandle(f afero.File, full string) *handle {
	return &handle{File: f, name: strings.TrimPrefix(full, "/"), maxSize: -1, sharedPos: hasSharedPosition(f)}
}

// maxEmpty is how often a Read may return nothing in a row (as in package bufio).
const maxEmpty = 100

func (h *handle) Name() string { return h.name }

// Stat describes the file as it is now, and so far it can be read from then on.
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
		if h.maxSize >= 0 && now.Mode().IsRegular() {
			h.maxSize = now.Size()
		}
		return now, nil
	})
}

// ReadAt reads from off on, as io.ReaderAt asks for. To go back where the file cannot seek, it is opened again and read
// from the beginning.
func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	want := len(p)
	if h.maxSize >= 0 { // the files of afero's zipfs panic behind their end
		p = p[:min(int64(want), max(h.maxSize-off, 0))]
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

// Read reads from the position on.
func (h *handle) Read(p []byte) (int, error) {
	n, err := recoverPanic(func() (int, error) { return h.File.Read(p) })
	n, err = checkCount("read", n, len(p), err)
	h.pos += int64(n)
	return n, err
}

// readFull reads from off on, where the position is, until p is full or the file ends, which is io.EOF.
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

// readOnce makes one call of the file.
func (h *handle) readOnce(p []byte, off int64) (int, error) {
	if !h.sharedPos {
		return h.Read(p)
	}
	n, err := recoverPanic(func() (int, error) { return h.File.ReadAt(p, off) })
	return checkCount("read", n, len(p), err)
}

// checkCount returns what a call that was to move most bytes has returned, unless that cannot be.
func checkCount(verb string, n, most int, err error) (int, error) {
	if n < 0 && err != nil {
		return 0, err
	}
	if n < 0 || n > most {
		return 0, fmt.Errorf("the file system says that it has %s %d of %d bytes", verb, n, most)
	}
	return n, err
}

// hasSharedPosition reports whether all handles of a file have one position, so that only ReadAt can be used: a fault of
// afero's tarfs.
func hasSharedPosition(f afero.File) bool {
	t := reflect.TypeOf(f)
	return t.Kind() == reflect.Pointer && t.Elem().PkgPath() == "github.com/spf13/afero/tarfs"
}

// TransferError tells the file of the file system that it was not moved whole, if it has that method, as files for
// ftpserverlib may. Close follows.
func (h *handle) TransferError(err error) {
	if f, ok := h.File.(interface{ TransferError(err error) }); ok {
		_, _ = recoverPanic(func() (struct{}, error) { f.TransferError(err); return struct{}{}, nil })
	}
}

// WriteAt writes at off, as io.WriterAt asks for.
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

// Seek moves the position.
func (h *handle) Seek(offset int64, whence int) (int64, error) {
	at, err := recoverPanic(func() (int64, error) { return h.File.Seek(offset, whence) })
	if err == nil {
		h.pos = at
	}
	return at, err
}

// seek brings the position to off.
func (h *handle) seek(off int64) error {
	if h.pos == off {
		return nil
	}
	if !h.noSeek {
		at, err := h.Seek(off, io.SeekStart)
		if err == nil && at == off {
			return nil
		}
		if h.maxSize < 0 {
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

// errReplaced means that a file cannot be read on, because another has its name.
var errReplaced = errors.New("the file was replaced while it was read")

// restart puts a fresh file, at its beginning, in the place of the one that there was, if it is the same.
func (h *handle) restart() error {
	f, err := h.reopen()
	if err != nil {
		return err
	}
	fi, err := newHandle(f, h.name).Stat()
	if err == nil && (fi.Size() != h.maxSize || !fi.ModTime().Equal(h.modTime)) {
		err = errReplaced
	}
	if err != nil {
		_, _ = recoverPanic(func() (struct{}, error) { return struct{}{}, f.Close() })
		return err
	}
	_ = h.File.Close() // it was only read
	h.File, h.pos = f, 0
	return nil
}

// Truncate changes the size of the file.
func (h *handle) Truncate(size int64) error {
	return h.protected(func() error { return h.File.Truncate(size) })
}

// Sync brings what was written to the disk.
func (h *handle) Sync() error { return h.protected(h.File.Sync) }

// Close closes the file. What was written to it is counted as a change, for some file systems show it only now.
func (h *handle) Close() error {
	if h.maxSize < 0 {
		defer CountChange()
	}
	return h.protected(h.File.Close)
}

// protected makes a call whose panic becomes an error.
func (h *handle) protected(f func() error) error {
	_, err := recoverPanic(func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// WriteString writes s at the position.
func (h *handle) WriteString(s string) (int, error) { return h.Write([]byte(s)) }

// fileInfo is what a file system has said of a file, once: the fs.FileInfo of some, such as afero.MemMapFs, changes with
// the file.
type fileInfo struct {
	name    string
	size    int64
	mode    fs.FileMode
	modTime time.Time
	sys     any
}

// snapshot returns a copy of fi, under name's last element.
func snapshot(fi fs.FileInfo, name string) fs.FileInfo {
	return &fileInfo{baseName(name), fi.Size(), fi.Mode(), fi.ModTime(), fi.Sys()}
}

// checkSize refuses a size that no file has.
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
