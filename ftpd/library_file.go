package ftpd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd/internal/dataconn"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// GetHandle opens a file to be sent from offset on, or to be received. The library copies
// with io.Copy, which uses WriteTo and ReadFrom, so the bytes go by sendfile and splice,
// as with our own engine.
func (l *libraryFS) GetHandle(name string, flags int, offset int64) (f ftpserver.FileTransfer, err error) {
	command := Store
	switch {
	case flags&(os.O_WRONLY|os.O_RDWR) == 0:
		command = Retrieve
	case flags&os.O_APPEND != 0:
		command = Append
	}
	c := l.client
	t := newTransfer(c.ctx, c.driver.server, c.live, l.user, command, l.path(name))
	t.record.Offset = offset
	if !c.addFile() {
		return nil, errClientGone
	}
	err = errPanic // remains if a hook panics
	defer func() {
		if err != nil {
			defer c.update(func() { c.files-- })
			t.report(err, nil)
			err = libraryError(err)
		}
	}()
	f, err = l.handle(t)
	return f, err
}

// libraryError returns err in the form that the library sends to the client.
func libraryError(err error) error {
	if err == nil {
		return nil
	}
	if isBeyondQuota(err) {
		return ftpserver.ErrStorageExceeded
	}
	if isOverBound(err) { // the library has no other code for it
		return fmt.Errorf("%w: %w", ftpserver.ErrStorageExceeded, clientError(err))
	}
	return clientError(err)
}

func (l *libraryFS) handle(t *transfer) (ftpserver.FileTransfer, error) {
	if t.record.Op == Retrieve {
		f, size, err := l.user.openWhole(t.record.Path, 0)
		if err == nil && vfs.IsUnsized(f, size) {
			_ = f.Close()
			err = vfs.ErrUnsized
		}
		if err == nil && t.record.Offset > size {
			_ = f.Close()
			err = errOffset
		}
		if err != nil {
			return nil, err
		}
		return &libraryDownload{libraryFile{client: l.client, transfer: t, at: t.record.Offset}, f, size}, nil
	}
	if err := l.user.mayStore(t.record.Path); err != nil {
		return nil, err
	}
	f, err := t.openUpload(t.target(libraryMask))
	if err != nil {
		return nil, err
	}
	return &libraryUpload{libraryFile{client: l.client, transfer: t, at: f.Start()}, f}, nil
}

// libraryFile has the common parts of libraryDownload and libraryUpload.
type libraryFile struct {
	client   *libraryClient
	transfer *transfer
	at       int64 // offset of the next byte
	failed   error // from TransferError; nil: no error
}

// TransferError notes that the transfer has failed. The library calls Close after it.
func (f *libraryFile) TransferError(err error) { f.failed = err }

// Seek accepts only the current offset: the library seeks to the start of the transfer,
// where the file is already.
func (f *libraryFile) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart || offset != f.at {
		return f.at, errOffset
	}
	return f.at, nil
}

// asStream returns rw, which the library passes to WriteTo or ReadFrom, as a stream; ok
// is false if it is not a connection.
func (f *libraryFile) asStream(rw any) (*stream, bool) {
	conn, ok := rw.(net.Conn)
	if !ok {
		return nil, false
	}
	below := conn
	if protected, ok := conn.(interface{ NetConn() net.Conn }); ok {
		below = protected.NetConn()
	}
	return &stream{Conn: conn, below: below, fail: func() { dataconn.NoLinger(below) }}, true // the library closes it
}

// recoverPanic, deferred, makes a panic of a Limiter an error: otherwise the library would never close the file.
func (f *libraryFile) recoverPanic(err *error) {
	if r := recover(); r != nil {
		f.transfer.server.reportPanic("Limiter", r)
		*err = errPanic
	}
}

// finish reports the end of the transfer.
func (f *libraryFile) finish(err error) {
	defer f.client.update(func() { f.client.files-- })
	defer f.transfer.server.logPanic("OnTransfer") // else the library would never close the data connection
	f.transfer.report(err, nil)
}

// libraryDownload is the file of a RETR.
type libraryDownload struct {
	libraryFile
	file afero.File
	size int64
}

// WriteTo sends the rest of the file.
func (d *libraryDownload) WriteTo(w io.Writer) (_ int64, err error) {
	defer d.recoverPanic(&err)
	at := d.at
	d.at = d.size
	conn, ok := d.asStream(w)
	if !ok {
		return io.Copy(w, io.NewSectionReader(d.file, at, d.size-at))
	}
	err = d.transfer.send(conn, d.file, at, d.size-at)
	return d.transfer.record.Sent, libraryError(err)
}

// Read reads the next bytes of the file.
func (d *libraryDownload) Read(p []byte) (int, error) {
	n, err := d.file.ReadAt(p[:min(int64(len(p)), max(d.size-d.at, 0))], d.at)
	d.at += int64(n)
	if err == nil && n == 0 && len(p) > 0 {
		err = io.EOF
	}
	return n, err
}

var errDirection = errors.New("file is not open for that")

// Write refuses.
func (d *libraryDownload) Write([]byte) (int, error) { return 0, errDirection }

// Close closes the file.
func (d *libraryDownload) Close() error {
	_ = d.file.Close() // nothing was written
	d.finish(d.failed)
	return nil
}

// libraryUpload is the file of a STOR or APPE.
type libraryUpload struct {
	libraryFile
	file *upload.Upload
}

// ReadFrom receives the rest of the file.
func (u *libraryUpload) ReadFrom(r io.Reader) (_ int64, err error) {
	defer u.recoverPanic(&err)
	at := u.at
	conn, ok := u.asStream(r)
	if !ok {
		n, err := io.Copy(struct{ io.Writer }{u}, r)
		return n, err
	}
	end, err := u.transfer.receive(conn, u.file.File(), at, u.file)
	u.at = end
	return end - at, libraryError(err)
}

// Write writes the next bytes of the file.
func (u *libraryUpload) Write(p []byte) (int, error) {
	n, err := u.file.Writer().WriteAt(p, u.at)
	u.at += int64(n)
	return n, err
}

// Read refuses.
func (u *libraryUpload) Read([]byte) (int, error) { return 0, errDirection }

// Close makes the file visible, if the upload is complete.
func (u *libraryUpload) Close() error {
	err := errPanic // remains if a hook panics
	defer func() { u.finish(err) }()
	err = u.transfer.commit(u.file, u.at, u.failed, func() error { return context.Cause(u.client.ctx) })
	return libraryError(err)
}
