package ftpd

import (
	"io/fs"
	"path"
	"syscall"

	"github.com/spf13/afero"

	"sluice/internal/account"
	"sluice/internal/upload"
	"sluice/sendfile"
)

// download is the file of a RETR.
//
// What goes is what the file holds when it is opened, from the offset on: if
// it shrinks meanwhile the transfer fails, because the client would take a
// short file for the whole; what it gains is left for the next time.
type download struct {
	transfer
	file afero.File // an *os.File, if its bytes are those of one
	stop int64      // where what goes ends, in bytes from the beginning of the file
}

// openRetrieve opens for RETR.
func openRetrieve(d *driver, arg string) (mover, error) {
	t := d.newTransfer(Retrieve, arg)
	first, last := d.session.content.takeStart()
	t.told.Offset = first
	f, size, err := d.openWhole(t.told.Path)
	if err == nil && first > size {
		_ = f.Close()
		err = errOffset
	}
	if err != nil {
		return nil, t.report(err)
	}
	stop := size
	if last >= 0 && last < size {
		stop = last + 1
	}
	d.session.announce(stop - first)
	return &download{transfer: t, file: f, stop: stop}, nil
}

// openWhole opens the regular file name for RETR and checksums, and returns its size. The
// caller closes it. What is not whole yet is not there.
func (d *driver) openWhole(name string) (afero.File, int64, error) {
	if err := d.may(account.Read); err != nil {
		return nil, 0, err
	}
	if upload.IsPartial(path.Base(name)) {
		return nil, 0, fs.ErrNotExist
	}
	f, err := d.tree.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = syscall.EISDIR
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// move sends the file.
func (d *download) move(data *dataConn) error {
	ctx := d.session.opContext()
	conn, err := data.secure(ctx)
	if err != nil {
		return err
	}
	size := d.stop - d.told.Offset
	d.watch(data, false, size)
	opt := d.options(conn, sendfile.Copy, sendfile.Sendfile, sendfile.TransmitFile)
	d.limit(opt, false, size)
	res, err := sendfile.Send(ctx, conn, d.file, d.told.Offset, size, opt)
	if ctx.Err() != nil || isStall(err) { // otherwise the client reads what went, and the reply
		data.fail()
	}
	return d.ended(ctx, res, err)
}

// close closes the file.
func (d *download) close(err error) error {
	_ = d.file.Close() // it was only read
	return d.report(err)
}
