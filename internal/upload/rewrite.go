package upload

import (
	"context"
	"io"
	"os"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// rewritten is a hidden file that begins with what the target holds, and ends with it too where the upload does not
// reach so far. The target is copied while the upload is received: clients do not wait for minutes in silence.
type rewritten struct {
	hidden
	ctx    context.Context // of the upload
	cancel context.CancelFunc
	from   afero.File // the target as it was
	off    int64      // where the upload begins
	head   chan error // what has become of the copy of the bytes before that, once
}

// rewrite begins an upload in a new hidden file that holds what the target does.
func (s *Store) rewrite(ctx context.Context, t Target, old *old, off int64) (*Upload, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	from, err := t.Tree.Open(t.Name)
	if err != nil {
		return nil, err
	}
	u, err := s.create(t, old)
	if err != nil {
		_ = from.Close() // it was only read
		return nil, err
	}
	r := &rewritten{hidden: *u.place.(*hidden), from: from, off: off, head: make(chan error, 1)}
	r.ctx, r.cancel = context.WithCancel(ctx)
	u.place, u.start = r, off
	to, ok := vfs.OSFile(u.file)
	source, ok2 := vfs.OSFile(from)
	switch {
	case !ok || !ok2: // a file of its own for each of two goroutines is more than every file system promises
		err = r.copy(u.file, 0, max(off, old.Size()))
		r.head <- err
	case clone(to, source) == nil:
		r.head <- nil
		r.off = cloned
	default:
		err = r.copyAside(t, to)
	}
	if err != nil {
		u.Abort(0, err)
		return nil, err
	}
	return u, nil
}

// cloned is an offset that stands for all of a file being there.
const cloned = -1

// copyAside copies the beginning while the upload is received, by a handle of its own: each write of a handle waits for
// the one before.
func (r *rewritten) copyAside(t Target, to *os.File) error {
	aside, err := t.Tree.OpenFile(r.name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	go func() {
		defer aside.Close() // the handle of the upload tells of what fails on the disk
		r.head <- r.copy(aside, 0, r.off)
	}()
	return nil
}

// copyChunk is how much of a file is copied between two looks at whether that is still wanted.
const copyChunk = 64 << 20

// copy copies the bytes of the target from the offset begin on up to end to the same place in f. The error is ErrOffset
// if there are fewer than the upload begins behind.
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
		case err == io.EOF && at < r.off: // it has become shorter
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
	return r.hidden.commit(u, check)
}

// complete waits for the copy of what is before the upload, and copies what is behind it.
func (r *rewritten) complete(u *Upload) error {
	defer r.cancel()
	defer r.from.Close() // it was only read
	err := <-r.head
	r.head <- err // for abort
	_, isOS := u.file.(*os.File)
	if err != nil || r.off == cloned || !isOS {
		return err
	}
	return r.copy(u.file, u.end, max(u.end, r.old.Size()))
}

// abort keeps what has arrived only if what is before it is there.
func (r *rewritten) abort(u *Upload, cause error) (kept int64) {
	select {
	case err := <-r.head:
		r.head <- err
		if err != nil {
			u.end = 0
		}
	default:
		r.cancel()
		<-r.head
		u.end = 0
	}
	r.cancel()
	_ = r.from.Close() // again, perhaps; it was only read
	return r.hidden.abort(u, cause)
}
