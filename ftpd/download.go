package ftpd

import (
	"errors"
	"io"
	"net"
	"os"
	"path"
	"syscall"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/sendfile"
)

// download is the file of a RETR. io.Copy of the library finds WriteTo first.
//
// What goes is what the file holds when it is opened, from the offset on: if
// it shrinks meanwhile the transfer fails, because the client would take a
// short file for the whole; what it gains is left for the next time.
type download struct {
	transfer
	file *os.File
	off  int64 // next byte
	size int64 // when the file was opened
}

var _ interface {
	ftpserver.FileTransfer
	ftpserver.FileTransferError
	io.WriterTo
} = (*download)(nil)

func (d *driver) openDownload(t transfer) (ftpserver.FileTransfer, error) {
	if isPartial(path.Base(t.told.Path)) {
		return nil, os.ErrNotExist
	}
	f, err := d.tree.File(t.told.Path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	case t.told.Offset < 0 || t.told.Offset > info.Size():
		err = errOffset
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &download{transfer: t, file: f, off: t.told.Offset, size: info.Size()}, nil
}

// WriteTo sends the rest of the file to w, the data connection. It blocks
// until the kernel has it all, the client stalls, or the session must end.
func (d *download) WriteTo(w io.Writer) (int64, error) {
	conn, tcp := dataConnOf(w)
	if conn == nil {
		return io.Copy(w, onlyReader{d}) // a filter of the library; none is switched on
	}
	srv := d.session.server
	opt := &sendfile.Options{Timeout: srv.stallTimeout(), Road: srv.Road}
	if opt.Road == sendfile.Splice {
		opt.Road = sendfile.Auto // a road for uploads
	}
	d.session.setDownload(tcp)
	defer d.session.setDownload(nil)
	res, err := sendfile.Send(d.session.ctx, conn, d.file, d.off, d.size-d.off, opt)
	d.told.Result = res
	d.off += res.Sent
	if err == nil {
		return res.Sent, nil
	}
	// A client that is not told by a reply must see it here, see abortData.
	// And to one that has stalled the kernel would offer what it has for
	// minutes after we have given up.
	if tcp != nil && (d.session.ctx.Err() != nil || isStall(err)) {
		_ = tcp.SetLinger(0)
	}
	d.fail(d.reason(err))
	return res.Sent, forClient(err)
}

func isStall(err error) bool {
	var e *sendfile.Error
	return errors.As(err, &e) && e.Timeout()
}

// Read is WriteTo for whoever must look at the bytes.
func (d *download) Read(p []byte) (int, error) {
	if d.off >= d.size {
		return 0, io.EOF
	}
	n, err := d.file.ReadAt(p[:min(int64(len(p)), d.size-d.off)], d.off)
	d.off += int64(n)
	d.told.Sent += int64(n)
	d.told.Road = sendfile.Copy
	switch {
	case err == io.EOF && d.off < d.size:
		err = io.ErrUnexpectedEOF
	case err == io.EOF:
		err = nil
	}
	return n, bare(err)
}

// Seek takes the offset of REST, which GetHandle knows already.
func (d *download) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart || offset < 0 || offset > d.size {
		return 0, errOffset
	}
	d.off = offset
	return offset, nil
}

// Write refuses.
func (d *download) Write([]byte) (int, error) { return 0, errNotForWriting }

// Close closes the file and ends the transfer.
func (d *download) Close() error {
	_ = d.file.Close() // it was only read
	d.end(nil)
	return nil
}

// dataConnOf returns what package sendfile knows how to use behind what the
// library has: passive connections are ours, active ones bare. tcp is nil if
// there is something else, and conn if it is no connection at all.
func dataConnOf(rw any) (conn net.Conn, tcp *net.TCPConn) {
	switch c := rw.(type) {
	case *dataConn:
		return c.tcp, c.tcp
	case *net.TCPConn:
		return c, c
	case net.Conn:
		return c, nil
	}
	return nil, nil
}

// onlyReader hides that a download can do more than Read.
type onlyReader struct{ d *download }

func (r onlyReader) Read(p []byte) (int, error) { return r.d.Read(p) }
