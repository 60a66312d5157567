package upload

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"sluice/internal/quota"
	"sluice/internal/vfs"
)

// hiddenFile is a destination next to the target, which replaces the target when it is complete.
type hiddenFile struct {
	partFile
	old    *oldFile // the target, or nil if it does not exist
	closed bool     // whether the complete file was closed without an error
}

// A hidden file becomes visible in three steps, and the types make sure of their order: it is synced, then closed (Windows
// does not rename an open file), then renamed.
type (
	synced struct{ h *hiddenFile }
	closed struct{ h *hiddenFile }
)

func (h *hiddenFile) commit(u *Upload, check func() error) error {
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

func (h *hiddenFile) sync(u *Upload) (synced, error) {
	if h.old != nil {
		if err := h.old.copyAttributes(u, h.name); err != nil {
			return synced{}, err
		}
	}
	if _, isOS := vfs.OSFile(u.file); isOS { // it keeps its time when it is closed
		h.setModTime(u)
	}
	return synced{h}, u.sync()
}

// setModTime sets the time of modification that the target asks for, if there is one.
func (h *hiddenFile) setModTime(u *Upload) {
	t := &u.target
	u.hasModTime = !t.ModTime.IsZero() && t.Tree.Chtimes(h.name, time.Time{}, t.ModTime) == nil
}

func (s synced) close(u *Upload) (closed, error) {
	err := u.file.Close()
	s.h.closed = err == nil
	return closed(s), err
}

func (c closed) publish(u *Upload) error {
	t := &u.target
	if _, isOS := vfs.OSFile(u.file); !isOS { // afero.MemMapFs sets the time when a file is closed
		c.h.setModTime(u)
	}
	if t.Existing == Evade {
		return c.publishFree(u)
	}
	defer u.store.lockName(t.Name, t.Existing == Leave || t.Check != nil || t.Named != nil)()
	if t.Check != nil {
		if err := t.Check(); err != nil {
			return err
		}
	}
	err := u.store.giveLockedName(t.Writer, t.Name, func() error {
		return u.hold.Replace(t.Name, func() error { return commit(t.Writer, c.h.name, t.Name) })
	})
	if err != nil {
		return err
	}
	c.h.release()
	if t.Named != nil {
		t.Named()
	}
	return nil
}

func (h *hiddenFile) abort(u *Upload, cause error) (kept int64) {
	t := &u.target
	defer h.release()
	if !h.closed {
		u.reportFailure(cause)
	}
	if t.Keep && t.Owner != "" && u.end >= minKept && !cannotResume(cause) && h.truncateAndClose(u) == nil && h.keep(u) {
		return u.keptSize()
	}
	_ = u.file.Close() // possibly for a second time; Windows does not remove an open file
	_ = remove(t.Tree, h.name)
	return 0
}

// keep gives the file, which is on the disk, the name of a kept one, if it may stay next to the target.
func (h *hiddenFile) keep(u *Upload) bool {
	t := &u.target
	name := keptName(t.Name, t.Owner)
	return u.hold.Keep(name, u.end, func() error { return t.Tree.Rename(h.name, name) })
}

// keptSize returns how many bytes are kept: those of the upload, but if parts of them were lost on their way to a file
// system of several servers, those before.
func (u *Upload) keptSize() int64 {
	t := &u.target
	if !isPersistent(t.Tree, t.Name) {
		return u.end
	}
	info, err := t.Tree.Stat(keptName(t.Name, t.Owner))
	if err != nil {
		return 0
	}
	return info.Size()
}

// truncateAndClose cuts the file after the bytes that have arrived, syncs and closes it. It reopens the file if commit has
// closed it and failed to rename it.
func (h *hiddenFile) truncateAndClose(u *Upload) error {
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

// cannotResume reports whether an upload that has failed with err cannot be resumed: its bytes may not be on the disk or may
// come from another client, the disk is full, or the target may not be replaced.
func cannotResume(err error) bool {
	return errors.As(err, new(errUnsynced)) || errors.Is(err, ErrUntrusted) || errors.Is(err, fs.ErrExist) ||
		vfs.IsFull(err) || errors.As(err, new(*quota.Error)) || errors.Is(err, syscall.EFBIG)
}
