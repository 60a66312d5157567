package ftpd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/internal/vfs"
	"sluice/sendfile"
)

// upload is the file of a STOR or APPE. io.Copy of the library comes to
// ReadFrom, by way of net.TCPConn.WriteTo in active mode.
type upload struct {
	transfer
	tree    *vfs.Tree
	file    *os.File
	off     int64       // next byte; always given, so that the file is not open with O_APPEND
	partial string      // what the file is called until it is whole; "": it is the target itself
	old     fs.FileInfo // of the target that is replaced; nil: there is none
	arrived bool        // the client has closed the data connection in order
}

var _ interface {
	ftpserver.FileTransfer
	ftpserver.FileTransferError
	io.ReaderFrom
} = (*upload)(nil)

// fileMode is the mode of new files, cut by the umask.
const fileMode = 0o644

var errBusy = errors.New("file is being written by another transfer")

// openStore opens for STOR: a file of its own, or, after REST, the target.
func (d *driver) openStore(t transfer) (ftpserver.FileTransfer, error) {
	if err := d.mayWrite(t.told.Path); err != nil {
		return nil, err
	}
	if t.told.Offset != 0 {
		return d.openTarget(t)
	}
	old, err := d.replaceable(t.told.Path)
	if err != nil {
		return nil, err
	}
	return d.openPartial(t, old)
}

// openAppend opens for APPE, which without a target is STOR (RFC 959, 4.1.3).
func (d *driver) openAppend(t transfer) (ftpserver.FileTransfer, error) {
	if err := d.mayWrite(t.told.Path); err != nil {
		return nil, err
	}
	u, err := d.openTarget(t)
	if errors.Is(err, fs.ErrNotExist) {
		return d.openPartial(t, nil)
	}
	return u, err
}

// replaceable describes target, nil if there is none. It is an error if target
// could not be written: what cannot be changed is not replaced either. To open
// it asks all that at once.
func (d *driver) replaceable(target string) (fs.FileInfo, error) {
	f, err := d.tree.File(target, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// openPartial opens a new hidden file beside the target.
func (d *driver) openPartial(t transfer, old fs.FileInfo) (*upload, error) {
	partial := partialName(t.told.Path)
	f, err := d.tree.File(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	return &upload{transfer: t, tree: d.tree, file: f, partial: partial, old: old}, nil
}

// openTarget opens the target itself, to write from the offset on or, for
// APPE, at its end. Nobody else may write into it meanwhile.
func (d *driver) openTarget(t transfer) (*upload, error) {
	f, err := d.tree.File(t.told.Path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	if !d.session.server.inPlace.claim(f) {
		_ = f.Close()
		return nil, errBusy
	}
	info, err := f.Stat() // after the claim: the size stays
	switch {
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	case t.told.Op == Append:
		t.told.Offset = info.Size()
	case t.told.Offset < 0 || t.told.Offset > info.Size():
		err = errOffset // the gap would be a hole that looks like data
	}
	if err != nil {
		d.session.server.inPlace.release(f)
		_ = f.Close()
		return nil, err
	}
	return &upload{transfer: t, tree: d.tree, file: f, off: t.told.Offset}, nil
}

// ReadFrom receives the file from r, the data connection. It blocks until the
// client closes it, stalls, or the session must end.
func (u *upload) ReadFrom(r io.Reader) (int64, error) {
	conn, _ := dataConnOf(r)
	if conn == nil {
		n, err := io.Copy(onlyWriter{u}, r) // a filter of the library; none is switched on
		u.arrived = err == nil
		return n, err
	}
	srv := u.session.server
	opt := &sendfile.Options{Timeout: srv.stallTimeout()}
	if srv.Road == sendfile.Copy || srv.Road == sendfile.Splice {
		opt.Road = srv.Road
	}
	res, err := sendfile.Receive(u.session.ctx, u.file, conn, u.off, -1, opt)
	u.told.Result = res
	u.off += res.Sent
	if err != nil {
		u.fail(u.reason(err))
		return res.Sent, forClient(err)
	}
	u.arrived = true
	return res.Sent, nil
}

// Write is ReadFrom for whoever must look at the bytes. The library calls it
// with none after an empty transfer.
func (u *upload) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := u.file.WriteAt(p, u.off)
	u.off += int64(n)
	u.told.Sent += int64(n)
	u.told.Road = sendfile.Copy
	return n, forClient(err)
}

// Seek takes the offset of REST, which GetHandle knows already.
func (u *upload) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart || offset != u.off {
		return 0, errOffset
	}
	return offset, nil
}

// Read refuses.
func (u *upload) Read([]byte) (int, error) { return 0, errNotForReading }

// Close makes the upload visible if all went well, removes what there is of it
// if not, and ends the transfer. What it returns becomes the final reply; a
// failure that the library knows already is not repeated.
func (u *upload) Close() error {
	var err error
	if u.arrived && u.told.Err == nil {
		err = u.publish()
	}
	if u.partial == "" {
		u.session.server.inPlace.release(u.file)
	}
	_ = u.file.Close() // again, after publish
	if u.partial != "" && (err != nil || !u.arrived || u.told.Err != nil) {
		_ = u.tree.Remove(u.partial)
	}
	u.end(err)
	return forClient(err)
}

// publish brings the file to the disk and, if it has a name of its own, under
// that of the target.
func (u *upload) publish() error {
	if u.old != nil {
		if err := u.file.Chmod(u.old.Mode().Perm()); err != nil {
			return err
		}
	}
	if err := u.file.Sync(); err != nil {
		return err
	}
	// A client that dies closes all its connections, and the data connection
	// looks as if the file were whole.
	if u.session.ctx.Err() != nil {
		return context.Cause(u.session.ctx)
	}
	if u.partial == "" {
		return nil
	}
	if err := u.file.Close(); err != nil {
		return err
	}
	return u.tree.Rename(u.partial, u.told.Path)
}

// onlyWriter hides that an upload can do more than Write.
type onlyWriter struct{ u *upload }

func (w onlyWriter) Write(p []byte) (int, error) { return w.u.Write(p) }
