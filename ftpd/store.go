package ftpd

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/spf13/afero"

	"sluice/ftpd/internal/dataconn"
	"sluice/internal/account"
	"sluice/internal/upload"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// uploads is shared by all servers of this process.
var uploads = &upload.Shared

// stor answers STOR, APPE and STOU. The file becomes visible when all of it has come and
// is on the disk. If the upload breaks off, the part that has come is kept.
func (op *operation) stor(arg string) (r reply) {
	s, command := op.session, Store
	switch op.name {
	case "APPE":
		command = Append
	case "STOU":
		arg = op.unusedName(arg)
	}
	t := newTransfer(op.ctx, s.server, s.live, s.user, command, s.path(arg))
	t.record.Offset, _ = s.takeRange()
	if s.convertsLines() && t.record.Offset > 0 {
		return op.finish(t, errASCIIOffset)
	}
	if err := t.user.mayStore(t.record.Path); err != nil {
		return op.finish(t, err)
	}
	if t.user.ext.open != nil {
		return op.storeSequential(t)
	}
	target := t.target(s.mask())
	target.Keep = target.Keep && !s.convertsLines() // the client could not map the kept bytes to its file
	target.Resume = s.resumable[t.record.Path]
	delete(s.resumable, t.record.Path)
	f, err := t.openUpload(target)
	if err == nil {
		err = t.expect(f, s.announced())
	}
	if err != nil {
		return op.finish(t, err)
	}
	size := f.Start()
	err = errPanic // remains if a hook panics in receive
	defer func() {
		r = op.finish(t, op.publish(t, f, size, err))
		s.rememberKept(t.record.Path, t.record.Kept)
	}()
	if op.session.convertsLines() {
		size, err = op.receive(t, f.Writer(), size, nil)
	} else {
		size, err = op.receive(t, f.File(), size, f)
	}
	return
}

// maxRemembered limits session.resumable. Most clients have one broken upload at a time.
const maxRemembered = 100

// rememberKept notes that the client has learned how many bytes are kept of its upload
// to name, and so may resume it. A client that has not learned it means to begin anew.
func (s *session) rememberKept(name string, kept int64) {
	if kept == 0 {
		return
	}
	if s.resumable == nil || len(s.resumable) == maxRemembered {
		s.resumable = make(map[string]int64)
	}
	s.resumable[name] = kept
}

// unusedName returns a name for STOU that no file has, and sets it as the text of reply
// 150 (RFC 1123, 4.1.2.9). It begins with arg, if that is not empty. The rest is always
// random: even if no file is named arg, an unfinished upload may be.
func (op *operation) unusedName(arg string) string {
	if arg == "" {
		arg = "upload"
	}
	for {
		name := arg + "." + strings.ToLower(rand.Text()[:8]) // 40 random bits
		if _, err := op.session.user.tree.Lstat(op.session.path(name)); err != nil {
			op.setOpening("FILE: " + name)
			return name
		}
	}
}

// mayStore returns why the user may not write to the file name.
func (u *user) mayStore(name string) error {
	rights := u.rightsAt(name)
	if rights&(account.Create|account.Change) == 0 {
		return u.may(account.Create, name) // the same error, whether the file exists or not
	}
	if rights.IsDropBox() {
		return u.mayDrop(name)
	}
	right := account.Create
	if _, err := u.tree.Lstat(name); err == nil {
		right = account.Change
	}
	return u.mayChange(right, name)
}

// mayDrop returns why the user may not send a file into a drop box. It can only go into a
// directory that the user knows: any other does not exist, whether there is one or not.
func (u *user) mayDrop(name string) error {
	if !u.view.Sees(path.Dir(name)) {
		return fs.ErrNotExist
	}
	return u.mayChange(account.Create, name)
}

// target returns where the upload goes; mask is the umask for a new file.
func (t *transfer) target(mask fs.FileMode) upload.Target {
	inPlace := t.server.InPlace
	return upload.Target{
		Writer: t.user.uploadWriter(t.record.Path), Name: t.record.Path, Perm: 0o666 &^ mask, Keep: t.server.keepPartials() > 0,
		InPlace: inPlace != nil && inPlace(t.user.name),
	}
}

// openUpload begins the upload: for STOR at the offset of REST, for APPE at the end of
// the file. If there is no file, APPE is STOR (RFC 959, 4.1.3).
func (t *transfer) openUpload(target upload.Target) (f *upload.Upload, err error) {
	if t.record.Op == Append {
		f, err = uploads.Append(target)
	} else {
		f, err = uploads.WriteFrom(t.ctx, target, t.record.Offset)
	}
	if err == nil {
		t.record.Offset = f.Start()
	}
	return f, err
}

// receive writes the bytes that the client sends to f, from the offset at on, until the
// data connection ends, and converts lines if the session does. It returns the offset
// behind the last byte. If bound is not nil, it is asked for room before each step.
func (op *operation) receive(t *transfer, f io.WriterAt, at int64, bound *upload.Upload) (end int64, err error) {
	if !op.session.convertsLines() {
		err = op.withConn(func(conn *stream) error {
			at, err = t.receive(conn, f, at, bound)
			return err
		})
		return at, err
	}
	w := &lineWriter{to: f, at: at}
	err = op.withConn(func(conn *stream) error {
		_, err := t.receive(conn, w, at, nil)
		return err
	})
	if err == nil {
		if err = w.flush(); err != nil {
			err = t.fileFailed(w.at, err)
		}
	}
	return w.at, err
}

// receive writes the bytes that come over conn to f, from the offset at on. It returns
// the offset behind the last byte. bound is as for operation.receive.
func (t *transfer) receive(conn *stream, f io.WriterAt, at int64, bound *upload.Upload) (end int64, err error) {
	t.beginLive(conn, true, -1)
	opt := t.sendOptions(conn, sendfile.Copy, sendfile.Splice)
	opt.Idle = t.liveEntry.Idle
	t.limit(opt, true, -1)
	opt.Disk = t.liveEntry.Waiting(f, vfs.MountOfFile(t.user.tree, f))
	if bound != nil && bound.IsBounded() {
		boundBy(bound, opt, at)
	}
	res, err := sendfile.Receive(t.ctx, f, conn.Conn, at, -1, opt)
	if isOverBound(err) {
		err = t.readEnd(conn, err)
	}
	if isStall(err) {
		conn.fail() // the client learns at once that nobody reads any more
	}
	if err == nil && conn.end != nil {
		_ = conn.end() // whether our close_notify can be sent does not matter to an upload
	}
	if errors.Is(err, dataconn.ErrCut) {
		err = t.checkTLSEnd(err)
	}
	return at + res.Sent, t.recordResult(res, err)
}

// checkTLSEnd returns the error of an upload that has ended without close_notify: nil
// if LaxTLS accepts that for the user, else err with the name of the option.
func (t *transfer) checkTLSEnd(err error) error {
	if lax := t.server.LaxTLS; lax != nil && lax(t.user.name) {
		return nil
	}
	var e *sendfile.Error
	if errors.As(err, &e) {
		named := *e
		named.Err = fmt.Errorf("%w (see %s)", e.Err, cmp.Or(t.server.LaxTLSName, "LaxTLS"))
		return &named
	}
	return err
}

// keepPartials resolves Server.KeepPartials; zero: no parts are kept.
func (s *Server) keepPartials() time.Duration { return max(orDefault(s.KeepPartials, 72*time.Hour), 0) }

// Sweep removes from fsys the kept parts of uploads that broke off, or were ended by a
// crash, longer ago than KeepPartials. It walks all of fsys, and blocks until that is
// done or ctx ends, whose error it returns then. It skips files that it may not remove.
// Call it now and then for each file system to which clients upload. Uploads under way
// are not removed, because each of them has moved a byte within StallTimeout.
func (s *Server) Sweep(ctx context.Context, fsys afero.Fs) (removed int, err error) {
	return upload.Sweep(ctx, vfs.Of(fsys), time.Now().Add(-max(s.keepPartials(), time.Hour, 2*s.stallTimeout())))
}
