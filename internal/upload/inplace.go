package upload

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/spf13/afero"

	"sluice/internal/quota"
	"sluice/internal/vfs"
)

// inPlace is a destination that writes into the target itself.
type inPlace struct {
	claim   *claim
	appends bool // whether it only writes after the old end
	synced  bool // whether a sync was tried, even if it failed
}

// atEnd stands for the offset of the end of a file.
const atEnd = -1

// extend begins an upload at the end of the target, which must be at off, or anywhere if off is atEnd.
func (s *Store) extend(t Target, off int64) (*Upload, error) {
	if t.Existing == Leave {
		if _, err := t.describeWritable(); err != nil {
			return nil, err
		}
		return nil, fs.ErrExist // it exists, and must not be changed
	}
	return s.openInto(t, off, true, 0)
}

// overwrite begins an upload in the target at off. If off is 0 it creates or truncates the target.
func (s *Store) overwrite(t Target, off int64) (*Upload, error) {
	flag := 0
	switch {
	case off > 0 && t.Existing == Leave:
		return nil, fs.ErrExist
	case off > 0:
	case t.Existing == Leave:
		flag = os.O_CREATE | os.O_EXCL
	default:
		flag = os.O_CREATE
	}
	s.DiscardKept(t.Writer, t.Name)
	u, err := s.openInto(t, off, false, flag)
	if err != nil || off > 0 {
		return u, err
	}
	err = u.file.Truncate(0)
	if err == nil {
		u.hold.Shrink(0)
		err = u.hold.Grow(t.Size)
	}
	if err != nil {
		u.Abort(0, err)
		return nil, err
	}
	return u, nil
}

// openInto begins an upload in the target itself. appends means that off must be the end of the target. flag is added to
// the flags of opening it.
func (s *Store) openInto(t Target, off int64, appends bool, flag int) (*Upload, error) {
	u, err := s.openCounted(t, off, appends, flag)
	if err != nil {
		if u != nil {
			u.Abort(0, err)
		}
		return nil, err
	}
	if osFile, ok := u.file.(*os.File); ok && appends && setAppend(osFile) == nil {
		u.writer = &appender{file: osFile, end: u.start, exclusive: off != atEnd}
	}
	return u, nil
}

// openCounted is openInto, but returns the upload for the caller to abort after some errors. Until it returns, no other
// change of the name is counted.
func (s *Store) openCounted(t Target, off int64, appends bool, flag int) (*Upload, error) {
	claim, err := s.claims.take(t.Tree, t.Name)
	if err != nil {
		return nil, err
	}
	defer t.Space.Lock(t.Name)()
	hold, err := t.holdNew(flag)
	if err != nil {
		s.claims.release(claim)
		return nil, err
	}
	f, err := t.openInPlace(flag)
	if err != nil {
		hold.End()
		s.claims.release(claim)
		return nil, err
	}
	if off == atEnd {
		t.Size = 0 // it is not that of the file
	}
	u := newUpload(s, t, f, max(off, 0), &inPlace{claim: claim, appends: appends}, hold)
	hold.Attach(t.Name, f)
	if err := s.claims.identify(claim, u.file); err != nil {
		return u, err
	}
	info, err := u.file.Stat() // after the claim, so that no other upload changes the size
	switch {
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	case off == atEnd:
		u.start = info.Size()
	case appends && off != info.Size() || off > info.Size():
		err = ErrOffset
	}
	if err == nil && hold == nil {
		err = u.adopt(info.Size())
	}
	return u, err
}

// holdNew counts a new file, if opening it with flag will make one, or returns nil.
func (t Target) holdNew(flag int) (*quota.Hold, error) {
	if t.Space == nil || flag&os.O_CREATE == 0 {
		return nil, nil
	}
	if _, err := t.Tree.Lstat(t.Name); !errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return t.Space.Begin(t.Name, nil, 0)
}

// adopt counts an existing file of size bytes, which the upload writes to.
func (u *Upload) adopt(size int64) error {
	t := &u.target
	hold, err := t.Space.Adopt(t.Name, size, t.Name, nil)
	if hold == nil {
		return err
	}
	u.hold, u.hasRoom = hold, t.Size > 0
	hold.Watch(u.file)
	return hold.Grow(t.Size)
}

// openInPlace opens the target to write into it, if that is allowed.
func (t Target) openInPlace(flag int) (afero.File, error) {
	if _, _, ok := vfs.RootOf(t.Tree, t.Name); !ok {
		if _, err := t.describeWritable(); err != nil && (flag&os.O_CREATE == 0 || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
	}
	return t.Tree.OpenFile(t.Name, os.O_WRONLY|flag, t.Perm)
}

// ErrShared means that another program has appended to the file during the upload, so that the bytes of the upload are
// not contiguous.
var ErrShared = errors.New("another program has written to the file meanwhile")

// appender appends to a file with O_APPEND, so that another program that appends too loses no bytes. It ignores offsets,
// because it is called for consecutive bytes.
type appender struct {
	file      *os.File
	end       int64 // offset after the last write
	exclusive bool  // whether bytes of another program in between are an error
}

// WriteAt appends p, and returns ErrShared if exclusive is set and another program has appended since the last write.
func (a *appender) WriteAt(p []byte, _ int64) (int, error) {
	n, err := a.file.Write(p)
	at, seekErr := a.file.Seek(0, io.SeekCurrent)
	if err == nil {
		err = seekErr
	}
	if err == nil && a.exclusive && at != a.end+int64(n) {
		err = ErrShared
	}
	a.end = at
	return n, err
}

func (p *inPlace) commit(u *Upload, check func() error) error {
	err := p.sync(u)
	if err != nil {
		return err
	}
	err = check()
	if err == nil {
		err = u.checkStillNamed(p.claim)
	}
	if err == nil {
		err = u.file.Close()
	}
	if err == nil {
		vfs.CountChange()
		u.store.claims.release(p.claim)
	}
	return err
}

// sync flushes the bytes of the upload to the disk, or removes them again if that fails.
func (p *inPlace) sync(u *Upload) error {
	p.synced = true
	err := u.sync()
	if err != nil {
		return p.undo(u, err)
	}
	return nil
}

// lastBlock is at least the size of the block at the old end of the file, which has old bytes and is written again with
// new ones.
const lastBlock = 64 << 10

// undo removes the bytes of the upload after their sync has failed with cause. It returns cause, or an error that wraps
// ErrUncertain too. It writes the last old bytes again, because the kernel may have dropped their block and marked it as
// clean. It fails if old bytes were overwritten, or if another program has appended to the file.
func (p *inPlace) undo(u *Upload, cause error) error {
	if !p.appends {
		return fmt.Errorf("%w: %w", ErrUncertain, cause)
	}
	info, err := u.file.Stat()
	if err == nil && info.Size() != u.end {
		err = ErrShared
	}
	if err == nil {
		err = u.file.Truncate(u.start)
	}
	if err == nil {
		err = rewriteBytes(u, max(0, u.start-lastBlock), u.start)
	}
	if err == nil {
		err = u.sync()
	}
	if err != nil {
		return fmt.Errorf("%w: %w: %w", ErrUncertain, cause, err)
	}
	return cause
}

// rewriteBytes reads the bytes of the target between two offsets and writes them again.
func rewriteBytes(u *Upload, from, to int64) error {
	if from == to {
		return nil
	}
	old, err := u.target.Tree.Open(u.target.Name)
	if err != nil {
		return err
	}
	defer old.Close()
	p := make([]byte, to-from)
	if _, err := old.ReadAt(p, from); err != nil {
		return err
	}
	f, err := u.target.Tree.OpenFile(u.target.Name, os.O_WRONLY, 0) // the upload may have opened it with O_APPEND
	if err != nil {
		return err
	}
	_, err = f.WriteAt(p, from)
	return errors.Join(err, f.Close())
}

// checkStillNamed returns ErrGone if the file was removed or replaced.
func (u *Upload) checkStillNamed(mine *claim) error {
	osFile, ok := vfs.OSFile(u.file)
	if !ok {
		_, err := u.target.Tree.Stat(u.target.Name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && u.store.claims.isReplaced(mine) {
			return ErrGone
		}
		return err
	}
	info, err := osFile.Stat()
	if err == nil && isUnlinked(info) {
		return ErrGone
	}
	return err
}

// abort syncs the bytes, which stay in the file. Otherwise their loss would fail the sync of a later upload, which would
// then be removed in their place.
func (p *inPlace) abort(u *Upload, cause error) (kept int64) {
	u.reportFailure(cause)
	if !p.synced && u.end > u.start {
		if err := p.sync(u); errors.Is(err, ErrUncertain) {
			u.uncertain = err
		}
	}
	_ = u.file.Close() // possibly for a second time; the bytes are synced
	vfs.CountChange()
	u.store.claims.release(p.claim) // after Close, when some file systems write
	return 0
}
