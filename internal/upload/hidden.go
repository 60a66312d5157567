package upload

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// hidden is a file next to the target, which it replaces when it is whole.
type hidden struct {
	part
	old    *old // the target that is replaced; nil: there is none
	closed bool // without an error: it is whole
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
		if err := h.old.passOn(u, h.name); err != nil {
			return synced{}, err
		}
	}
	return synced{h}, u.sync()
}

func (s synced) close(u *Upload) (closed, error) {
	err := u.file.Close()
	s.h.closed = err == nil
	return closed(s), err
}

func (c closed) publish(u *Upload) error {
	t := &u.target
	err := u.store.name(t.Writer, t.Name, func() error { return commit(t.Tree, c.h.name, t.Name) })
	if err != nil {
		return err
	}
	c.h.release()
	return nil
}

func (h *hidden) abort(u *Upload, cause error) (kept int64) {
	t := &u.target
	defer h.release()
	if !h.closed {
		u.tell(cause)
	}
	if t.Keep && t.Owner != "" && u.end >= minKept && !isUseless(cause) && h.cut(u) == nil &&
		t.Tree.Rename(h.name, keptName(t.Name, t.Owner)) == nil {
		return u.end
	}
	_ = u.file.Close() // again, perhaps; Windows removes no open file
	_ = remove(t.Tree, h.name)
	return 0
}

// cut brings what has arrived to the disk and closes the file. It opens the file again if it has been closed, because
// it could not get its name.
func (h *hidden) cut(u *Upload) error {
	if h.closed {
		f, err := u.target.Tree.OpenFile(h.name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		u.file = f
	}
	err := u.file.Truncate(u.end)
	if err == nil {
		err = u.sync()
	}
	if err == nil {
		err = u.file.Close()
	}
	return err
}

// isUseless reports whether nobody could go on with an upload that has ended because of err: what has arrived may not be
// on the disk or may be somebody else's, there is no room for it, or the file may not be replaced.
func isUseless(err error) bool {
	return errors.As(err, new(errUnsynced)) || errors.Is(err, ErrUntrusted) || errors.Is(err, fs.ErrExist) ||
		errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
