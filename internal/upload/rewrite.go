package upload

import (
	"context"
	"io"
	"os"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// rewritten is a destination for an upload into the middle of the target: a hidden file with a copy of the target, into which
// the upload is written. The copy is made while the upload is received, so that clients do not have to wait for it before.
type rewritten struct {
	hiddenFile
	ctx    context.Context // of the upload
	cancel context.CancelFunc
	from   afero.File // the target
	off    int64      // offset of the upload, or cloned
	copied chan error // has the result of copying the bytes before off
}

// rewrite begins an upload at off in a copy of the target.
func (s *Store) rewrite(ctx context.Context, t Target, old *oldFile, off int64) (*Upload, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	from, err := t.Tree.Open(t.Name)
	if err != nil {
		return nil, err
	}
	u, err := s.createHidden(t, old, infoOf(old))
	if err != nil {
		_ = from.Close() // nothing was written to it
		return nil, err
	}
	if err := u.hold.Grow(max(off, old.Size())); err != nil { // for the copy
		u.Abort(0, err)
		_ = from.Close() // nothing was written to it
		return nil, err
	}
	r := &rewritten{hiddenFile: *u.destination.(*hiddenFile), from: from, off: off, copied: make(chan error, 1)}
	r.ctx, r.cancel = context.WithCancel(ctx)
	u.destination, u.start = r, off
	to, ok := vfs.OSFile(u.file)
	source, ok2 := vfs.OSFile(from)
	switch {
	case !ok || !ok2: // such a file system may not support two goroutines that write to one file
		if err = canWriteInside(u.file, off); err == nil {
			err = r.copy(u.file, 0, max(off, old.Size()))
		}
		r.copied <- err
	case clone(to, source) == nil:
		r.copied <- nil
		r.off = cloned
	default:
		err = r.copyInBackground(t, to)
	}
	if err != nil {
		u.Abort(0, err)
		return nil, err
	}
	return u, nil
}

// canWriteInside returns an error if f, which is empty, cannot be written at off, so that a copy would be in vain.
func canWriteInside(f afero.File, off int64) error {
	_, err := f.Seek(off, io.SeekStart)
	return err
}

// cloned is a value of rewritten.off for a complete copy.
const cloned = -1

// copyInBackground copies the bytes before the upload while the upload is received. It uses a second handle, because
// writes to the same handle wait for each other.
func (r *rewritten) copyInBackground(t Target, to *os.File) error {
	second, err := t.Tree.OpenFile(r.name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	go func() {
		defer second.Close() // the sync of the first handle reports errors of the disk
		r.copied <- r.copy(second, 0, r.off)
	}()
	return nil
}

// copyChunk is the number of bytes copied between two checks of the context.
const copyChunk = 64 << 20

// copy copies the bytes of the target between the offsets begin and end to the same offsets in f. The error is ErrOffset if
// the target ends before the offset of the upload.
func (r *rewritten) copy(f afero.File, begin, end int64) error {
	for _, file := range []afero.File{r.from, f} {
		if _, err := file.Seek(begin, io.SeekStart); err != nil {
			return err
		}
	}
	for at := begin; at < end; {
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		n, err := io.CopyN(f, r.from, min(copyChunk, end-at)) // copy_file_range(2) on Linux
		at += n
		switch {
		case err == io.EOF && at < r.off: // the target has become shorter
			return ErrOffset
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

func (r *rewritten) commit(u *Upload, check func() error) error {
	if err := r.complete(u); err != nil {
		return err
	}
	return r.hiddenFile.commit(u, check)
}

// complete waits for the copy of the bytes before the upload, and copies those after it.
func (r *rewritten) complete(u *Upload) error {
	defer r.cancel()
	defer r.from.Close() // nothing was written to it
	err := <-r.copied
	r.copied <- err // for abort
	_, isOS := u.file.(*os.File)
	if err != nil || r.off == cloned || !isOS {
		return err
	}
	return r.copy(u.file, u.end, max(u.end, r.old.Size()))
}

// abort keeps the upload only if the bytes before it have been copied.
func (r *rewritten) abort(u *Upload, cause error) (kept int64) {
	select {
	case err := <-r.copied:
		r.copied <- err
		if err != nil {
			u.end = 0
		}
	default:
		r.cancel()
		<-r.copied
		u.end = 0
	}
	r.cancel()
	_ = r.from.Close() // possibly for a second time; nothing was written to it
	return r.hiddenFile.abort(u, cause)
}
