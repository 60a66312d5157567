package upload

import (
	"context"
	"io"
	"syscall"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// Copy makes the target a copy of the file from of tree: of its content, its permission bits, its
// time if keepTime is set, and on Linux its user.* extended attributes. An existing target is replaced as by an upload. The blocks are shared where
// the file system supports it (FICLONE), and else copied by copy_file_range(2). Copy ends with an error when ctx ends.
func (s *Store) Copy(ctx context.Context, t Target, tree vfs.Tree, from string, keepTime bool) error {
	source, err := tree.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return syscall.EISDIR
	}
	if err := s.checkTarget(t.Writer, t.Name); err != nil {
		return err
	}
	old, err := t.oldTarget()
	if err != nil {
		return err
	}
	t.ModTime, t.Keep = time.Time{}, false
	if keepTime {
		t.ModTime = info.ModTime()
	}
	if perm := info.Mode().Perm(); perm != 0 { // files made by afero.MemMapFs.Create have mode 0
		t.Perm = perm
	}
	t.Size = info.Size() // there is room for all of it, or none is copied
	u, err := s.createHidden(t, nil, infoOf(old))
	if err != nil {
		return err
	}
	size, err := u.copyFrom(ctx, source)
	if err != nil {
		u.Abort(size, err)
		return err
	}
	_, err = u.Commit(size, nil)
	return err
}

// copyFrom copies the content and the attributes of source to the file of the upload.
func (u *Upload) copyFrom(ctx context.Context, source afero.File) (size int64, err error) {
	from, ok1 := vfs.OSFile(source)
	to, ok2 := vfs.OSFile(u.file)
	if ok1 && ok2 {
		copyUserXattrs(to, from)
		if clone(to, from) == nil {
			info, err := to.Stat()
			if err != nil {
				return 0, err
			}
			return info.Size(), nil
		}
	}
	for {
		if ctx.Err() != nil {
			return size, context.Cause(ctx)
		}
		n, err := io.CopyN(u.file, source, copyChunk) // copy_file_range(2) on Linux
		size += n
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}
