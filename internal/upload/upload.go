package upload

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// minKept is how many bytes of an upload that broke off are worth keeping.
const minKept = 64 << 10

// Upload is a file that is being received. It is for one goroutine at a time, and ends with the first Commit or Abort.
type Upload struct {
	store  *Store
	target Target
	file   afero.File
	start  int64
	place  place
}

// place is where the bytes of an upload go.
type place interface {
	// commit makes the upload visible. After an error abort follows.
	commit(u *Upload, check func() error) error

	// abort closes the file, and returns how much of it is kept under a hidden name.
	abort(u *Upload, size int64, cause error) (kept int64)
}

// newUpload takes f over.
func newUpload(s *Store, t Target, f afero.File, start int64, p place) *Upload {
	if osFile, ok := vfs.OSFile(f); ok {
		f = osFile
	}
	return &Upload{store: s, target: t, file: f, start: start, place: p}
}

// Start returns the offset of the first byte that is to come: in the file that Writer writes to, and in the target.
func (u *Upload) Start() int64 { return u.start }

// Writer returns what the bytes are to be written to, at their offsets in the target, until Commit or Abort, which close
// it. It is an *os.File where the bytes are those of one; every other is for one goroutine at a time.
func (u *Upload) Writer() io.WriterAt { return u.file }

// Commit ends an upload of which all has arrived; size is the offset behind its last byte. It brings the file to the
// disk, calls check if that is not nil, and then makes the file visible as the target, with the mode of what it
// replaces. That blocks for as long as the disk needs.
//
// If any of this fails, or check returns an error, the upload has ended as by Abort, with that error as the cause, and
// kept is what Abort returns.
func (u *Upload) Commit(size int64, check func() error) (kept int64, err error) {
	if check == nil {
		check = func() error { return nil }
	}
	if err := u.place.commit(u, check); err != nil {
		return u.place.abort(u, size, err), err
	}
	return 0, nil
}

// Abort ends an upload of which not all has arrived, because of cause; size is the offset behind the last byte that
// has. The target stays as it was; what was added at its end stays there.
//
// It returns how many bytes are kept, so that the owner can go on there by Append or WriteFrom. That is 0 if it is
// too little to be worth it, if there is no room for what was written, if the target may not be replaced, and if the
// Target says so.
//
// A file that has a method TransferError(error) is told of cause, before it is closed; after a Commit that has failed too.
func (u *Upload) Abort(size int64, cause error) (kept int64) { return u.place.abort(u, size, cause) }

// tell tells the file, which is open, that it was not received whole.
func (u *Upload) tell(cause error) {
	if f, ok := u.file.(interface{ TransferError(err error) }); ok {
		f.TransferError(cause)
	}
}

// hidden is a file next to the target, which it replaces when it is whole.
type hidden struct {
	temp   string      // its name
	old    fs.FileInfo // of the target that is replaced; nil: there is none
	closed bool        // without an error: it is whole
}

// A hidden file becomes visible in three steps, each of which needs the one before: it is whole on the disk, then
// closed (Windows renames no open file), then renamed.
type (
	synced struct{ h *hidden }
	closed struct{ h *hidden }
)

func (h *hidden) commit(u *Upload, check func() error) error {
	onDisk, err := h.sync(u)
	if err != nil {
		return err
	}
	if err := check(); err != nil {
		return err
	}
	ready, err := onDisk.close(u)
	if err != nil {
		return err
	}
	return ready.publish(u)
}

func (h *hidden) sync(u *Upload) (synced, error) {
	if h.old != nil {
		if err := u.chmod(h.temp, h.old.Mode().Perm()); err != nil {
			return synced{}, err
		}
	}
	return synced{h}, syncFile(u.target.Tree, u.file)
}

func (s synced) close(u *Upload) (closed, error) {
	err := u.file.Close()
	s.h.closed = err == nil
	return closed(s), err
}

func (c closed) publish(u *Upload) error {
	t := &u.target
	err := u.store.name(t.Tree, t.Name, t.Existing, func() error { return commit(t.Tree, c.h.temp, t.Name) })
	if err != nil {
		return err
	}
	if t.Owner != "" {
		_ = t.Tree.Remove(keptName(t.Name, t.Owner)) // of an earlier try, if any
	}
	return nil
}

// chmod sets the mode of the file of that name, which is open. A file system without modes has none to keep, and one in
// which all files have the same mode, such as afero's gcsfs, need not be able to set it.
func (u *Upload) chmod(name string, mode fs.FileMode) error {
	if osFile, ok := vfs.OSFile(u.file); ok {
		return osFile.Chmod(mode)
	}
	if mode == 0 {
		return nil
	}
	err := u.target.Tree.Chmod(name, mode)
	if err == nil || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if info, statErr := u.target.Tree.Stat(name); statErr == nil && info.Mode().Perm() == mode {
		return nil
	}
	return err
}

func (h *hidden) abort(u *Upload, size int64, cause error) (kept int64) {
	t := &u.target
	if !h.closed {
		u.tell(cause)
	}
	if t.Keep && t.Owner != "" && size >= minKept && !isUseless(cause) && h.cut(u, size) == nil &&
		t.Tree.Rename(h.temp, keptName(t.Name, t.Owner)) == nil {
		return size
	}
	_ = u.file.Close() // again, perhaps; Windows removes no open file
	_ = remove(t.Tree, h.temp)
	return 0
}

// cut brings size bytes of the file to the disk and closes it. It opens the file again if it has been closed, because
// it could not get its name.
func (h *hidden) cut(u *Upload, size int64) error {
	if h.closed {
		f, err := u.target.Tree.OpenFile(h.temp, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		u.file = f
	}
	err := u.file.Truncate(size)
	if err == nil {
		err = syncFile(u.target.Tree, u.file)
	}
	if err == nil {
		err = u.file.Close()
	}
	return err
}

// isUseless reports whether nobody could go on with an upload that has ended because of err: there is no room for what
// was written, or a file that may not be replaced.
func isUseless(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) ||
		errors.Is(err, fs.ErrExist)
}

// inPlace is the target itself, which is written to at its end.
type inPlace struct{ claim *claim }

func (p *inPlace) commit(u *Upload, check func() error) error {
	err := syncFile(u.target.Tree, u.file)
	if err == nil {
		err = check()
	}
	if err == nil {
		err = u.checkThere(p.claim)
	}
	if err == nil {
		err = u.file.Close()
	}
	if err == nil {
		u.store.claims.release(p.claim)
	}
	return err
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

func (p *inPlace) abort(u *Upload, _ int64, cause error) (kept int64) {
	u.tell(cause)
	_ = u.file.Close()              // again, perhaps: what it holds is what there is
	u.store.claims.release(p.claim) // after that: some file systems write when they close
	return 0
}
