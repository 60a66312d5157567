package s3fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/spf13/afero"
)

const (
	firstPart = 1 << 20   // bytes of the first request for a part
	largest   = 64 << 20  // and of later ones
	rereads   = 16 << 10  // bytes at the beginning that are kept: a server looks at them to guess a type, before it sends them
	skip      = 256 << 10 // bytes that are read in vain rather than asking for another part
	maxBreaks = 3         // bodies that break off one after another without a byte
)

// file is an open object. It is for one goroutine, except for ReadAt.
type file struct {
	noWrites
	fs   *FS
	key  string
	info *info
	off  int64 // where Read continues

	ctx    context.Context
	cancel context.CancelFunc

	begin []byte // the first bytes of the file, if they were read a few at a time: perhaps they are read again

	body   io.ReadCloser // nil: none
	at     int64         // offset of the next byte of body
	end    int64         // of the part that body has
	next   int64         // length of the next part
	breaks int
}

func newFile(s *FS, name string, info *info) *file {
	f := &file{noWrites: noWrites{name}, fs: s, key: s.key(name), info: info, next: firstPart}
	f.ctx, f.cancel = context.WithCancel(s.ctx)
	return f
}

// Stat returns what was known when the file was opened.
func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }

// Read reads from the current part, or asks for the next.
func (f *file) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if f.off >= f.info.size {
			return 0, io.EOF
		}
		if f.off < int64(len(f.begin)) {
			n := copy(p, f.begin[f.off:])
			f.off += int64(n)
			return n, nil
		}
		if err := f.seekBody(int64(len(p))); err != nil {
			return 0, f.fail("read", err)
		}
		n, err := f.readBody(p)
		if len(p) <= rereads && f.off == int64(len(f.begin)) && f.off+int64(n) <= rereads {
			f.begin = append(f.begin, p[:n]...)
		}
		f.at += int64(n)
		f.off += int64(n)
		if n > 0 {
			f.breaks = 0
		}
		if err != nil || f.at == f.end {
			f.closeBody()
		}
		switch {
		case n > 0, err == nil:
			return n, nil // an error comes again with the next part
		case f.ctx.Err() != nil:
			return 0, f.fail("read", fs.ErrClosed)
		case f.breaks == maxBreaks:
			return 0, f.fail("read", fmt.Errorf("%w: the body breaks off at byte %d: %w", ErrStore, f.off, err))
		}
		f.breaks++
	}
}

// seekBody makes body begin at f.off.
func (f *file) seekBody(want int64) error {
	if ahead := f.off - f.at; f.body != nil && ahead > 0 && ahead <= skip && f.off < f.end {
		n, err := io.CopyN(io.Discard, bodyReader{f}, ahead)
		f.at += n
		if err != nil {
			f.closeBody()
		}
	}
	if f.body != nil && f.at == f.off {
		return nil
	}
	if f.body != nil || f.at != f.off { // not the part behind the last one
		f.closeBody()
		f.next = firstPart
	}
	n := min(max(f.next, want), f.info.size-f.off)
	body, err := f.part(f.ctx, f.off, n)
	if err != nil {
		return err
	}
	f.body, f.at, f.end = body, f.off, f.off+n
	f.next = min(4*f.next, largest)
	return nil
}

// part asks for n bytes at off of the version that was opened.
func (f *file) part(ctx context.Context, off, n int64) (io.ReadCloser, error) {
	var opt minio.GetObjectOptions
	if err := opt.SetRange(off, off+n-1); err != nil {
		return nil, err
	}
	if tag := f.info.object.ETag; tag != "" {
		opt.Set("If-Match", tag)
	}
	body, got, header, err := f.fs.client.GetObject(ctx, f.fs.bucket, f.key, opt)
	if version := f.info.object.VersionID; err != nil && version != "" && isReplaced(translate(err)) {
		opt.VersionID = version // only now, because it needs another permission
		body, got, header, err = f.fs.client.GetObject(ctx, f.fs.bucket, f.key, opt)
		if err != nil && !errors.Is(translate(err), ErrStore) {
			return nil, ErrChanged
		}
	}
	switch err := translate(err); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrChanged
	case err != nil:
		return nil, err
	case isOfAnother(header, f.info.size): // versitygw compares the tag before it opens the file
		_ = body.Close()
		return nil, ErrChanged
	case got.Size != n: // a store that ignores ranges would send other bytes
		_ = body.Close()
		return nil, fmt.Errorf("%w: %d bytes for a range of %d", ErrStore, got.Size, n)
	}
	return body, nil
}

// isOfAnother reports whether an answer says that the whole object has not that size.
func isOfAnother(header http.Header, size int64) bool {
	_, total, ok := strings.Cut(header.Get("Content-Range"), "/")
	return ok && total != strconv.FormatInt(size, 10)
}

// isReplaced reports whether the key has another version by now, or none.
func isReplaced(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrChanged) }

// readBody reads once from body. It fails if nothing comes for the timeout.
func (f *file) readBody(p []byte) (int, error) {
	limit := time.AfterFunc(f.fs.timeout, f.cancel)
	n, err := f.body.Read(p[:min(int64(len(p)), f.end-f.at)])
	if !limit.Stop() && err != nil {
		err = os.ErrDeadlineExceeded
	}
	if err == io.EOF && f.at+int64(n) < f.end {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// bodyReader reads from the body of a file.
type bodyReader struct{ f *file }

func (r bodyReader) Read(p []byte) (int, error) { return r.f.readBody(p) }

func (f *file) closeBody() {
	if f.body != nil {
		_ = f.body.Close()
		f.body = nil
	}
}

// ReadAt asks for its own part. It does not move the position.
func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, f.fail("read", syscall.EINVAL)
	}
	want := min(int64(len(p)), f.info.size-off)
	if want <= 0 {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	ctx, cancel := context.WithTimeout(f.ctx, f.fs.timeout)
	defer cancel()
	body, err := f.part(ctx, off, want)
	if err != nil {
		return 0, f.fail("read", err)
	}
	defer body.Close()
	n, err = io.ReadFull(body, p[:want])
	switch {
	case err != nil:
		return n, f.fail("read", translate(err))
	case n < len(p):
		return n, io.EOF
	}
	return n, nil
}

// Seek sets where the next Read begins. It asks the store for nothing.
func (f *file) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.off
	case io.SeekEnd:
		offset += f.info.size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, f.fail("seek", syscall.EINVAL)
	}
	f.off = offset
	return offset, nil
}

func (f *file) fail(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.name, Err: err}
}

// Close ends the request for the current part.
func (f *file) Close() error {
	if f.ctx.Err() != nil && f.fs.ctx.Err() == nil {
		return f.fail("close", fs.ErrClosed)
	}
	f.cancel()
	f.closeBody()
	return nil
}

// Readdir fails: this is no directory.
func (f *file) Readdir(int) ([]fs.FileInfo, error) { return nil, f.fail("readdir", syscall.ENOTDIR) }

// Readdirnames fails.
func (f *file) Readdirnames(int) ([]string, error) { return nil, f.fail("readdir", syscall.ENOTDIR) }

func readOnly(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: syscall.EROFS} }

// noWrites has the methods of an afero.File that change it.
type noWrites struct{ name string }

func (f noWrites) Name() string                       { return f.name }
func (f noWrites) Sync() error                        { return nil }
func (f noWrites) Truncate(int64) error               { return readOnly("truncate", f.name) }
func (f noWrites) Write([]byte) (int, error)          { return 0, readOnly("write", f.name) }
func (f noWrites) WriteAt([]byte, int64) (int, error) { return 0, readOnly("write", f.name) }
func (f noWrites) WriteString(string) (int, error)    { return 0, readOnly("write", f.name) }

var _ afero.File = (*file)(nil)
