package ftpd

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/internal/account"
	"sluice/internal/digest"
	"sluice/internal/vfs"
)

// Transfers of files that can only be read or written sequentially: those of a driver
// with GetHandle, and those with converted line ends. Their bytes are copied.

// isSequential reports whether RETR must read the file sequentially.
func (op *operation) isSequential() bool {
	return op.session.user.ext.open != nil || op.session.convertsLines()
}

// retrieveSequential is retr for such a file, from the byte first to the byte last; a
// negative last is the end.
func (op *operation) retrieveSequential(t *transfer, first, last int64) (r reply) {
	op.detach()
	if op.session.convertsLines() && (first > 0 || last >= 0) {
		return op.finish(t, errASCIIOffset)
	}
	f, whole, err := t.user.openSequential(t.record.Path, first)
	if err != nil {
		return op.finish(t, err)
	}
	err = errPanic // remains if a hook panics in send
	defer func() {
		reportFailure(f, err)
		_ = f.Close()
		r = op.finish(t, err)
	}()
	size := int64(toEnd)
	if last >= first {
		size = min(last+1, whole) - first
	}
	var from io.ReaderAt = &sequentialReader{f: f, at: first}
	if op.session.convertsLines() {
		from = &lineReader{from: f}
	}
	err = op.sendWithConn(func(conn *stream) error { return t.send(conn, from, first, size) })
	return
}

// storeSequential is stor for a driver with GetHandle: it writes to the file itself. The
// driver decides whether to keep an upload that breaks off.
func (op *operation) storeSequential(t *transfer) (r reply) {
	flags := os.O_WRONLY | os.O_CREATE
	switch {
	case t.record.Op == Append:
		flags |= os.O_APPEND
		t.record.Offset = 0
	case t.record.Offset == 0:
		flags |= os.O_TRUNC
	}
	f, err := t.user.openHandle(t.record.Path, flags, t.record.Offset)
	if err != nil {
		return op.finish(t, err)
	}
	err = errPanic // remains if a hook panics in receive
	defer func() {
		reportFailure(f, err)
		if e := f.Close(); err == nil && e != nil {
			err = t.fileFailed(t.record.Offset+t.record.Sent, e)
		}
		vfs.CountChange()
		r = op.finish(t, err)
	}()
	_, err = op.receive(t, &sequentialWriter{f: f, at: t.record.Offset}, t.record.Offset, nil)
	if err == nil {
		err = op.publishCheck(time.Now(), t.record.Sent)()
	}
	return
}

// reportFailure calls TransferError of f, if it has that method and err is not nil. The
// caller closes f after that.
func reportFailure(f any, err error) {
	if x, ok := f.(ftpserver.FileTransferError); ok && err != nil {
		x.TransferError(err)
	}
}

// openSequential opens a regular file to be read from offset on, and returns its size;
// for a driver with GetHandle that is from Stat. Without GetHandle the offset must be 0.
// The caller closes the file.
func (u *user) openSequential(name string, offset int64) (f ftpserver.FileTransfer, size int64, err error) {
	if u.ext.open == nil {
		return u.openWhole(name, offset)
	}
	info, err := u.statForRead(name)
	if err == nil && offset > info.Size() {
		err = errOffset
	}
	if err != nil {
		return nil, 0, err
	}
	f, err = u.openHandle(name, os.O_RDONLY, offset)
	return f, info.Size(), err
}

// statForRead describes a regular file, if the user may read it.
func (u *user) statForRead(name string) (fs.FileInfo, error) {
	if err := u.may(account.Read, name); err != nil {
		return nil, err
	}
	info, err := u.stat(name)
	if err == nil && info.IsDir() {
		err = syscall.EISDIR
	}
	return info, err
}

// openHandle calls GetHandle of the driver, and seeks to offset.
func (u *user) openHandle(name string, flags int, offset int64) (ftpserver.FileTransfer, error) {
	f, err := u.ext.open(name, flags, offset)
	if err == nil && f == nil {
		err = errors.New("the driver has returned no file")
	}
	if err != nil {
		return nil, err
	}
	if offset != 0 {
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			reportFailure(f, err)
			_ = f.Close()
			return nil, err
		}
	}
	return f, nil
}

// sequentialReader makes an io.ReaderAt of a file with Read and Seek. It seeks only if a
// read does not follow the last one.
type sequentialReader struct {
	f  io.ReadSeeker
	at int64
}

// ReadAt implements io.ReaderAt.
func (r *sequentialReader) ReadAt(p []byte, off int64) (int, error) {
	if off != r.at {
		if _, err := r.f.Seek(off, io.SeekStart); err != nil {
			return 0, err
		}
		r.at = off
	}
	n, err := io.ReadFull(r.f, p)
	r.at += int64(n)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

// sequentialWriter makes an io.WriterAt of a file with Write, for sequential writes.
type sequentialWriter struct {
	f  io.Writer
	at int64
}

var errNotSequential = errors.New("file can only be written sequentially")

// WriteAt writes at off, which must be where the last write has ended.
func (w *sequentialWriter) WriteAt(p []byte, off int64) (int, error) {
	if off != w.at {
		return 0, errNotSequential
	}
	n, err := w.f.Write(p)
	w.at += int64(n)
	return n, err
}

// driverFile is a file of a driver whose checksum can be computed, by this package or by
// the driver.
type driverFile struct {
	sequentialReader
	info  fs.FileInfo
	name  string
	close func() error
}

// openDriverFile opens a file for its checksum. If the driver computes checksums itself,
// no handle is opened. The caller closes the file.
func (u *user) openDriverFile(name string) (f hashable, size int64, err error) {
	info, err := u.statForRead(name)
	if err != nil {
		return nil, 0, err
	}
	whole := &driverFile{info: info, name: name, close: func() error { return nil }}
	if u.ext.hash == nil {
		h, err := u.openHandle(name, os.O_RDONLY, 0)
		if err != nil {
			return nil, 0, err
		}
		whole.f, whole.close = h, h.Close
	}
	return whole, info.Size(), nil
}

// Name returns the path of the file in the driver.
func (f *driverFile) Name() string { return f.name }

// Stat describes the file as it was when it was opened.
func (f *driverFile) Stat() (fs.FileInfo, error) { return withoutSys{f.info}, nil }

// Close closes the file.
func (f *driverFile) Close() error { return f.close() }

// driverHashes maps our algorithms to those of ftpserverlib.
var driverHashes = map[digest.Algorithm]ftpserver.HASHAlgo{
	digest.CRC32: ftpserver.HASHAlgoCRC32, digest.MD5: ftpserver.HASHAlgoMD5, digest.SHA1: ftpserver.HASHAlgoSHA1,
	digest.SHA256: ftpserver.HASHAlgoSHA256, digest.SHA512: ftpserver.HASHAlgoSHA512,
}
