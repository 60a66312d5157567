package ftpd

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/account"
	"sluice/internal/upload"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// uploads are those of all servers of this process, which may serve the same
// trees.
var uploads upload.Store

// storing is the file of a STOR or APPE.
type storing struct {
	transfer
	file *upload.Upload
	size int64 // of what there is, in bytes from the beginning of the file
}

// openStore opens for STOR, after REST somewhere in the file.
func openStore(d *driver, arg string) (mover, error) {
	return d.openUpload(Store, arg, func(t upload.Target, off int64) (*upload.Upload, error) {
		return uploads.WriteFrom(d.session.opContext(), t, off)
	})
}

// openAppend opens for APPE, which without a file is STOR (RFC 959, 4.1.3).
func openAppend(d *driver, arg string) (mover, error) {
	return d.openUpload(Append, arg, func(t upload.Target, _ int64) (*upload.Upload, error) {
		return uploads.Append(t)
	})
}

func (d *driver) openUpload(op, arg string, open func(t upload.Target, off int64) (*upload.Upload, error)) (mover, error) {
	t := d.newTransfer(op, arg)
	t.told.Offset, _ = d.session.content.takeStart()
	right := account.Create
	if _, err := d.tree.Lstat(t.told.Path); err == nil {
		right = account.Change
	}
	if err := d.mayChange(right, t.told.Path); err != nil {
		return nil, t.report(err)
	}
	f, err := open(d.target(t.told.Path), t.told.Offset)
	if err != nil {
		return nil, t.report(err)
	}
	t.told.Offset = f.Start()
	return &storing{transfer: t, file: f, size: f.Start()}, nil
}

// target is where the user uploads a file to.
func (d *driver) target(name string) upload.Target {
	return upload.Target{
		Tree: d.tree, Name: name, Existing: d.existing(), Perm: 0o666 &^ d.session.content.mask(),
		Owner: d.user, Keep: d.session.server.keptFor() > 0,
	}
}

// existing says whether the user may replace files.
func (d *driver) existing() upload.Existing {
	if d.rights.Has(account.Change) {
		return upload.Replace
	}
	return upload.Leave
}

// move receives the file, whose end is that of the data connection.
func (u *storing) move(data *dataConn) error {
	ctx := u.session.opContext()
	conn, err := data.secure(ctx)
	if err != nil {
		return err
	}
	u.watch(data, true, -1)
	opt := u.options(conn, sendfile.Copy, sendfile.Splice)
	opt.Idle = u.watched.Idle
	u.limit(opt, true, -1)
	res, err := sendfile.Receive(ctx, u.file.Writer(), conn, u.size, -1, opt)
	u.size += res.Sent
	if errors.Is(err, io.ErrUnexpectedEOF) && u.session.isLax() {
		err = nil
	}
	return u.ended(ctx, res, err)
}

// isLax reports whether a protected upload counts as whole although TLS did not
// tell its end: some clients never do, and neither does one that was cut.
func (s *session) isLax() bool {
	lax := s.server.LaxTLS
	return lax != nil && lax(s.driver.user)
}

// close makes the upload visible if all went well, and keeps what there is of
// it if not.
func (u *storing) close(err error) error {
	if err == nil {
		u.told.Kept, err = u.file.Commit(u.size, u.session.checkHere)
		if err != nil && u.session.ctx.Err() == nil { // all has come: it is the file's fault
			err = &sendfile.Error{Op: "receive", Side: sendfile.File, Method: u.told.Method, Offset: u.size, Err: err}
		}
	} else {
		u.told.Kept = u.file.Abort(u.size, err)
	}
	return u.report(err)
}

// checkHere returns why the session has ended. A client that dies closes all
// its connections, and the data connection looks as if the file were whole.
func (s *session) checkHere() error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	return nil
}

// keptFor resolves Server.KeepPartials; zero: they are not kept.
func (s *Server) keptFor() time.Duration { return max(or(s.KeepPartials, 72*time.Hour), 0) }

// Sweep removes from fsys what uploads have left that broke off longer ago than
// KeepPartials, or that a crash has ended. It walks all of fsys and blocks until
// it is through or ctx ends, whose error it returns then; what it may not remove
// is left. Call it now and then, for each file system that is written to.
// Uploads under way are younger, and stay: each moves within StallTimeout.
func (s *Server) Sweep(ctx context.Context, fsys afero.Fs) (removed int, err error) {
	return upload.Sweep(ctx, vfs.Of(fsys), time.Now().Add(-max(s.keptFor(), time.Hour, 2*s.stallTimeout())))
}
