package ftpd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"sluice/internal/vfs"
	"sluice/sendfile"
)

// upload is the file of a STOR or APPE.
type upload struct {
	transfer
	tree    *vfs.Root
	file    *os.File
	off     int64       // next byte; always given, so that the file is not open with O_APPEND
	partial string      // what the file is called until it is whole; "": it is the target itself
	old     fs.FileInfo // of the target that is replaced; nil: there is none
}

// move receives the file, whose end is that of the data connection.
func (u *upload) move(data *dataConn) error {
	ctx := u.session.opContext()
	conn, err := data.secure(ctx)
	if err != nil {
		return err
	}
	u.watch(data, true, -1)
	opt := u.options(conn, sendfile.Copy, sendfile.Splice)
	opt.Idle = u.watched.Idle
	u.limit(opt, true, -1)
	res, err := sendfile.Receive(ctx, u.file, conn, u.off, -1, opt)
	u.off += res.Sent
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
func (u *upload) close(err error) error {
	if err == nil {
		err = u.publish()
	}
	if u.partial == "" {
		u.session.server.inPlace.release(u.file)
	} else if err != nil {
		u.keep(err)
	}
	_ = u.file.Close() // again, after publish
	return u.report(err)
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
		return u.checkTarget()
	}
	if err := u.file.Close(); err != nil {
		return err
	}
	if err := u.driver.move(u.partial, u.told.Path); err != nil {
		return err
	}
	_ = u.tree.Remove(keptName(u.told.Path, u.told.User)) // of an earlier try, if any
	return nil
}

// checkTarget reports whether the target was removed, or replaced, while bytes
// were added to it: nobody can read them any more.
func (u *upload) checkTarget() error {
	info, err := u.file.Stat()
	if err != nil {
		return err
	}
	if id, ok := identify(info); ok && id.links == 0 {
		return errGone
	}
	return nil
}

// keep lets the user go on another time with what has arrived. Not if it was
// the disk that had no more room, and not if it is too little to be worth it.
func (u *upload) keep(err error) {
	if u.off >= minKept && !isFull(err) && u.session.server.keptFor() > 0 &&
		u.file.Truncate(u.off) == nil && u.file.Sync() == nil {
		_ = u.file.Close()
		if u.tree.Rename(u.partial, keptName(u.told.Path, u.told.User)) == nil {
			u.told.Kept = u.off
			return
		}
	}
	_ = u.file.Close() // Windows removes no open file
	_ = u.tree.Remove(u.partial)
}
