package upload

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// inPlace is the target itself, which is written to.
type inPlace struct {
	claim  *claim
	added  bool // at its end: what was there before stays
	synced bool // whether that went well or not
}

// toEnd is an offset at the end of a file, wherever that is.
const toEnd = -1

// extend begins an upload at the end of the target, which must be at off.
func (s *Store) extend(t Target, off int64) (*Upload, error) {
	if t.Existing == Leave {
		if _, err := t.lookWritable(); err != nil {
			return nil, err
		}
		return nil, fs.ErrExist // whoever called us has seen none, a moment ago
	}
	return s.write(t, off, true, 0)
}

// overwrite begins an upload in the target at off, or makes it anew if that is 0.
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
	u, err := s.write(t, off, false, flag)
	if err != nil || off > 0 {
		return u, err
	}
	if err := u.file.Truncate(0); err != nil {
		u.Abort(0, err)
		return nil, err
	}
	return u, nil
}

// write begins an upload in the target itself, which is opened with that flag too.
func (s *Store) write(t Target, off int64, added bool, flag int) (*Upload, error) {
	claim, err := s.claims.take(t.Tree, t.Name)
	if err != nil {
		return nil, err
	}
	f, err := t.openInPlace(flag)
	if err != nil {
		s.claims.release(claim)
		return nil, err
	}
	u := newUpload(s, t, f, max(off, 0), &inPlace{claim: claim, added: added})
	if err := s.claims.identify(claim, u.file); err != nil {
		u.Abort(0, err)
		return nil, err
	}
	info, err := u.file.Stat() // after the claim: the size stays, as far as we write it
	switch {
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	case off == toEnd:
		u.start = info.Size()
	case added && off != info.Size() || off > info.Size():
		err = ErrOffset
	}
	if err != nil {
		u.Abort(0, err)
		return nil, err
	}
	if osFile, ok := u.file.(*os.File); ok && added && appendOnly(osFile) == nil {
		u.to = &appender{file: osFile, end: u.start, alone: off != toEnd}
	}
	return u, nil
}

// openInPlace opens the target to write into it, if that is allowed.
func (t Target) openInPlace(flag int) (afero.File, error) {
	if _, ok := t.Tree.(*vfs.Root); !ok {
		if _, err := t.lookWritable(); err != nil && (flag&os.O_CREATE == 0 || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
	}
	return t.Tree.OpenFile(t.Name, os.O_WRONLY|flag, t.Perm)
}

// ErrShared means that another program has written to a file at whose end an upload was to go on: the bytes of both
// follow each other there.
var ErrShared = errors.New("another program has written to the file meanwhile")

// appender adds to the end of a file, wherever that is: of two programs that do, neither overwrites the other. It takes
// no heed of offsets, because its writes follow each other.
type appender struct {
	file  *os.File
	end   int64 // where the last write has ended
	alone bool  // nothing may come in between
}

// WriteAt writes p behind all that there is, and returns ErrShared if that is not where it has to be.
func (a *appender) WriteAt(p []byte, _ int64) (int, error) {
	n, err := a.file.Write(p)
	at, seekErr := a.file.Seek(0, io.SeekCurrent)
	if err == nil {
		err = seekErr
	}
	if err == nil && a.alone && at != a.end+int64(n) {
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
		err = u.checkThere(p.claim)
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

// sync brings what was written to the disk, or takes it away again.
func (p *inPlace) sync(u *Upload) error {
	p.synced = true
	err := u.sync()
	if err != nil {
		return p.takeBack(u, err)
	}
	return nil
}

// lastBlock is as large as the blocks of any disk: one that holds old bytes was written again with the new ones.
const lastBlock = 64 << 10

// takeBack takes what was added away again, because cause has kept it from the disk, and returns the error of that. The
// last old bytes are written once more, because the kernel counts the block that holds them as written. That fails if
// somebody else has added to the file meanwhile, and where old bytes were overwritten.
func (p *inPlace) takeBack(u *Upload, cause error) error {
	if !p.added {
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
		err = writeAgain(u, max(0, u.start-lastBlock), u.start)
	}
	if err == nil {
		err = u.sync()
	}
	if err != nil {
		return fmt.Errorf("%w: %w: %w", ErrUncertain, cause, err)
	}
	return cause
}

// writeAgain writes the bytes from the offset from to the offset to of the target, which it holds.
func writeAgain(u *Upload, from, to int64) error {
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
	again, err := u.target.Tree.OpenFile(u.target.Name, os.O_WRONLY, 0) // the file may be open to be added to alone
	if err != nil {
		return err
	}
	_, err = again.WriteAt(p, from)
	return errors.Join(err, again.Close())
}

// checkThere returns ErrGone if nobody can read what was written any more.
func (u *Upload) checkThere(mine *claim) error {
	osFile, ok := vfs.OSFile(u.file)
	if !ok {
		_, err := u.target.Tree.Stat(u.target.Name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && u.store.claims.isReplaced(mine) {
			return ErrGone
		}
		return err
	}
	info, err := osFile.Stat()
	if err == nil && hasNoName(info) {
		return ErrGone
	}
	return err
}

// abort brings to the disk what stays: the sync of a later upload would fail because of it, and that upload alone would
// be taken away.
func (p *inPlace) abort(u *Upload, cause error) (kept int64) {
	u.tell(cause)
	if !p.synced && u.end > u.start {
		if err := p.sync(u); errors.Is(err, ErrUncertain) {
			u.doubt = err
		}
	}
	_ = u.file.Close() // again, perhaps: what it holds is what there is
	vfs.CountChange()
	u.store.claims.release(p.claim) // after that: some file systems write when they close
	return 0
}
