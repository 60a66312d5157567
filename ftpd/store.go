package ftpd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"sluice/internal/account"
)

// minKept is how many bytes of an upload that broke off are worth to be kept.
const minKept = 64 << 10

var (
	errBusy = errors.New("file is being written by another transfer")
	errGone = errors.New("file was removed or replaced meanwhile")
)

// openStore opens for STOR.
func openStore(d *driver, arg string) (mover, error) {
	return d.openUpload(Store, arg, (*driver).store)
}

// openAppend opens for APPE.
func openAppend(d *driver, arg string) (mover, error) {
	return d.openUpload(Append, arg, (*driver).append)
}

func (d *driver) openUpload(op, arg string, open func(*driver, transfer) (*upload, error)) (mover, error) {
	t := d.newTransfer(op, arg)
	t.told.Offset, _ = d.session.content.takeStart()
	right := account.Create
	if _, err := d.tree.Lstat(t.told.Path); err == nil {
		right = account.Change
	}
	err := d.mayChange(right, t.told.Path)
	if err == nil {
		var u *upload
		if u, err = open(d, t); err == nil {
			return u, nil
		}
	}
	return nil, t.report(err)
}

// store opens the file of a STOR. A new file is written beside its target, and
// so is one that goes on, after REST, with what an earlier upload has left, or
// within the target. Only what is added at the end of the target goes into the
// target itself: that leaves what is there as it is, too.
func (d *driver) store(t transfer) (*upload, error) {
	old, err := d.replaceable(t.told.Path)
	if err != nil {
		return nil, err
	}
	off := t.told.Offset
	if off == 0 {
		return d.openPartial(t, old)
	}
	kept, err := d.kept(t.told.Path)
	switch {
	case err == nil && off <= kept.Size() && (old == nil || off == kept.Size() && off != old.Size()):
		return d.openKept(t, old)
	case old == nil || off > old.Size(): // the gap would be a hole that looks like data
		return nil, errOffset
	case off == old.Size():
		return d.openTarget(t)
	}
	return d.openCopy(t, old)
}

// append opens the file of an APPE, which without a target is STOR (RFC 959,
// 4.1.3), or goes on with what an earlier upload has left.
func (d *driver) append(t transfer) (*upload, error) {
	u, err := d.openTarget(t)
	if !errors.Is(err, fs.ErrNotExist) {
		return u, err
	}
	t.told.Offset = 0
	kept, err := d.kept(t.told.Path)
	if err != nil {
		return d.openPartial(t, nil)
	}
	t.told.Offset = kept.Size()
	return d.openKept(t, nil)
}

// replaceable describes target, nil if there is none. It is an error if target
// could not be written: what cannot be changed is not replaced either. To open
// it asks all that at once.
func (d *driver) replaceable(target string) (fs.FileInfo, error) {
	f, err := d.tree.File(target, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// openPartial opens a new hidden file beside the target.
func (d *driver) openPartial(t transfer, old fs.FileInfo) (*upload, error) {
	partial := partialName(t.told.Path)
	f, err := d.tree.File(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666&^d.session.content.mask())
	if err != nil {
		return nil, err
	}
	return &upload{transfer: t, tree: d.tree, file: f, partial: partial, old: old}, nil
}

// openKept goes on with what an earlier upload has left. It is taken by
// renaming it, so that of two who want it one comes too late.
func (d *driver) openKept(t transfer, old fs.FileInfo) (*upload, error) {
	partial := partialName(t.told.Path)
	if err := d.tree.Rename(keptName(t.told.Path, t.told.User), partial); err != nil {
		return nil, err
	}
	u := &upload{transfer: t, tree: d.tree, partial: partial, old: old, off: t.told.Offset}
	f, err := d.tree.File(partial, os.O_WRONLY, 0)
	if err == nil {
		err = f.Truncate(u.off)
	}
	if err != nil {
		_ = f.Close() // may be nil
		_ = d.tree.Rename(partial, keptName(t.told.Path, t.told.User))
		return nil, err
	}
	u.file = f
	return u, nil
}

// openCopy opens a new hidden file with the content of the target, of which a
// part will be written over. It blocks until that is copied, or the transfer
// must end.
func (d *driver) openCopy(t transfer, old fs.FileInfo) (*upload, error) {
	from, err := d.tree.File(t.told.Path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	u, err := d.openPartial(t, old)
	if err != nil {
		return nil, err
	}
	u.off = t.told.Offset
	for ctx := d.session.opContext(); err == nil; {
		_, err = io.CopyN(u.file, from, copyChunk) // copy_file_range(2) on Linux
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}
	if err != io.EOF {
		_ = u.file.Close()
		_ = d.tree.Remove(u.partial)
		return nil, err
	}
	return u, nil
}

// copyChunk is how much of a file is copied between two looks at whether it is
// still wanted.
const copyChunk = 64 << 20

// openTarget opens the target itself, to write at its end. Nobody else may
// write into it meanwhile.
func (d *driver) openTarget(t transfer) (*upload, error) {
	f, err := d.tree.File(t.told.Path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	if err := d.may(account.Change); err != nil { // it was not there a moment ago
		_ = f.Close()
		return nil, err
	}
	if !d.session.server.inPlace.claim(f) {
		_ = f.Close()
		return nil, errBusy
	}
	info, err := f.Stat() // after the claim: the size stays
	switch {
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	case t.told.Op == Append:
		t.told.Offset = info.Size()
	case t.told.Offset != info.Size():
		err = errOffset
	}
	if err != nil {
		d.session.server.inPlace.release(f)
		_ = f.Close()
		return nil, err
	}
	return &upload{transfer: t, tree: d.tree, file: f, off: t.told.Offset}, nil
}
