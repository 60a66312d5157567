package ftpd

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/afero"

	"sluice/ftpd/internal/dataconn"
	"sluice/internal/account"
	"sluice/internal/upload"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// uploads are those of all servers of this process, which may serve the same
// trees.
var uploads upload.Store

// stor answers STOR, APPE and STOU. The file is visible when all of it has come and
// is on the disk; what has come of one that broke off is kept.
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
	if s.converts() && t.record.Offset > 0 {
		return op.done(t, errConverts)
	}
	if err := t.user.mayStore(t.record.Path); err != nil {
		return op.done(t, err)
	}
	if t.user.ext.open != nil {
		return op.storeOn(t)
	}
	target := t.target(s.mask())
	target.Keep = target.Keep && !s.converts() // or its client could not tell how much that is
	target.Resume = s.kept[t.record.Path]
	delete(s.kept, t.record.Path)
	f, err := t.openUpload(target)
	if err != nil {
		return op.done(t, err)
	}
	size := f.Start()
	err = errPanic // of a hook, unless receive returns
	defer func() {
		r = op.done(t, op.publish(t, f, size, err))
		s.learn(t.record.Path, t.record.Kept)
	}()
	size, err = op.receive(t, f.Writer(), size)
	return
}

// maxLearned is of how many broken uploads a session remembers that it has told the
// client. Most clients have one at a time.
const maxLearned = 100

// learn notes that the client has been told how many bytes are kept of its upload to
// name, and so may go on there. A client that was not told means to begin anew.
func (s *session) learn(name string, kept int64) {
	if kept == 0 {
		return
	}
	if s.kept == nil || len(s.kept) == maxLearned {
		s.kept = make(map[string]int64)
	}
	s.kept[name] = kept
}

// unusedName returns a name for STOU that no file has, which reply 150 tells
// (RFC 1123, 4.1.2.9). The argument, if there is one, is how it begins. The rest is
// random even if that name is free: it may be the name of another upload, which is
// not to be seen before it is whole.
func (op *operation) unusedName(arg string) string {
	if arg == "" {
		arg = "upload"
	}
	for {
		name := arg + "." + strings.ToLower(rand.Text()[:8]) // 40 random bits are soon free
		if _, err := op.session.user.tree.Lstat(op.session.path(name)); err != nil {
			op.introduce("FILE: " + name)
			return name
		}
	}
}

// mayStore returns why the user may not write to the file name.
func (u *user) mayStore(name string) error {
	if u.rights&(account.Create|account.Change) == 0 {
		return u.may(account.Create) // whether the file is there does not matter
	}
	right := account.Create
	if _, err := u.tree.Lstat(name); err == nil {
		right = account.Change
	}
	return u.mayChange(right, name)
}

// target is where the upload goes. mask has the permission bits that it does not get.
func (t *transfer) target(mask fs.FileMode) upload.Target {
	inPlace := t.server.InPlace
	return upload.Target{
		Writer: t.user.writer(), Name: t.record.Path, Perm: 0o666 &^ mask, Keep: t.server.keptFor() > 0,
		InPlace: inPlace != nil && inPlace(t.user.name),
	}
}

// openUpload begins the upload, of STOR after REST somewhere in the file, and of APPE at
// its end; without a file that is STOR (RFC 959, 4.1.3).
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

// receive writes what the client sends to f, from the offset at on, with lines
// converted where that is wanted, and returns where that ends: with the data
// connection.
func (op *operation) receive(t *transfer, f io.WriterAt, at int64) (end int64, err error) {
	if !op.session.converts() {
		err = op.over(func(conn *stream) error {
			at, err = t.receive(conn, f, at)
			return err
		})
		return at, err
	}
	w := &lineWriter{to: f, at: at}
	err = op.over(func(conn *stream) error {
		_, err := t.receive(conn, w, at)
		return err
	})
	if err == nil {
		if err = w.flush(); err != nil {
			err = t.fileFailed(w.at, err)
		}
	}
	return w.at, err
}

// receive writes what comes over conn to f, from the offset at on, and returns where
// that ends.
func (t *transfer) receive(conn *stream, f io.WriterAt, at int64) (end int64, err error) {
	t.watch(conn, true, -1)
	opt := t.options(conn, sendfile.Copy, sendfile.Splice)
	opt.Idle = t.watched.Idle
	t.limit(opt, true, -1)
	res, err := sendfile.Receive(t.ctx, f, conn.Conn, at, -1, opt)
	if err == nil && conn.end != nil {
		_ = conn.end() // what we cannot say afterwards proves nothing about what has come
	}
	if errors.Is(err, dataconn.ErrCut) {
		err = t.cut(err)
	}
	return at + res.Sent, t.ended(res, err)
}

// cut returns what the end of an upload means whose client has not told it by TLS: some
// never do. Neither does one that was cut.
func (t *transfer) cut(err error) error {
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
