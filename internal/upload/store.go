package upload

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/spf13/afero"

	"sluice/internal/durable"
	"sluice/internal/vfs"
)

// Why an upload cannot begin, or was in vain.
var (
	// ErrBusy means that another upload is adding to the same file.
	ErrBusy = errors.New("file is being written by another transfer")
	// ErrGone means that a file was removed, or replaced, while bytes were added to it: nobody can read them any more.
	ErrGone = errors.New("file was removed or replaced meanwhile")
	// ErrDoubt means that what was added to a file could not be brought to the disk, nor taken away again: nobody knows
	// what is at the end of the file.
	ErrDoubt = errors.New("the end of the file is in doubt")
	// ErrOffset means that an upload was to begin behind the end of what there is: the gap would look like data.
	ErrOffset = errors.New("offset is not in the file")
)

// Store begins uploads, and keeps them from getting in each other's way. All who write into the same trees share one;
// what another Store or another process does, it does not know. The zero value is ready for use, by many goroutines at
// once; it must not be copied.
type Store struct {
	// Disk brings to the disk what the Store changes, and what its users change by themselves.
	Disk durable.Syncer

	names  names
	claims claims
}

// Existing says what becomes of a file that already has the name of a target.
type Existing int

const (
	Leave   Existing = iota // it stays as it is, and the upload fails with fs.ErrExist
	Replace                 // it is replaced, or written to
)

// Writer is who changes a tree, and how.
type Writer struct {
	Tree vfs.Tree

	// Owner is who may go on with what is left of an upload; "" is nobody.
	Owner string

	// Existing says what becomes of files that are there.
	Existing Existing

	// Disk says what is on the disk when a change is done.
	Disk durable.Policy
}

// Target is where an upload goes.
type Target struct {
	Writer
	Name string      // absolute and clean; a symbolic link of that name is replaced, not followed
	Perm fs.FileMode // of a new file; the umask of the process comes on top

	// Keep keeps what has arrived of an upload that breaks off, if there is an Owner.
	Keep bool
}

// Create begins an upload that becomes all of the target. The caller ends it by Commit or Abort.
//
// A target that may not be written to is an error: what cannot be changed is not replaced either. If Existing is Leave,
// a target that exists is an error of Commit, not of Create.
func (s *Store) Create(t Target) (*Upload, error) {
	old, err := t.replaceable()
	if err != nil {
		return nil, err
	}
	return s.create(t, old)
}

// WriteFrom begins an upload whose first byte is byte off of the target. The caller ends it by Commit or Abort.
//
// Where the bytes before off come from:
//
//   - If there is no target, from what the owner's last upload has left. That is cut at off.
//   - If there is one, and off is its end, they are in the target: the upload is added to it.
//   - If off is the end of what the owner's last upload has left, from that.
//   - Else from a copy of the target, which keeps what is behind the upload's end too. WriteFrom blocks until the copy
//     is made or ctx ends.
//
// The error is ErrOffset if off is behind the end of both. With off 0 WriteFrom is Create.
func (s *Store) WriteFrom(ctx context.Context, t Target, off int64) (*Upload, error) {
	old, err := t.replaceable()
	if err != nil {
		return nil, err
	}
	if off == 0 {
		return s.create(t, old)
	}
	kept, err := Kept(t.Tree, t.Name, t.Owner)
	switch {
	case err == nil && off <= kept.Size() && (old == nil || off == kept.Size() && off != old.Size()):
		return s.resume(t, old, off)
	case old == nil || off > old.Size():
		return nil, ErrOffset
	case off == old.Size():
		return s.extend(t, off)
	}
	return s.rewrite(ctx, t, old, off)
}

// Append begins an upload at the end of the target. If there is none it goes on with what the owner's last upload has
// left, and if there is nothing of that it is Create. The caller ends it by Commit or Abort.
func (s *Store) Append(t Target) (*Upload, error) {
	u, err := s.extend(t, toEnd)
	if !errors.Is(err, fs.ErrNotExist) {
		return u, err
	}
	kept, err := Kept(t.Tree, t.Name, t.Owner)
	if err != nil {
		return s.create(t, nil)
	}
	return s.resume(t, nil, kept.Size())
}

// Rename moves oldname to newname. A file that has that name is replaced, or is fs.ErrExist, as w.Existing says; that
// holds against everybody who renames or commits by this Store. The error is ErrBusy if bytes are being added to what
// would be moved, and only its name tells that: a file of the operating system can be moved then. After a
// [*durable.Error] it is moved.
func (s *Store) Rename(w Writer, oldname, newname string) error {
	if s.claims.isMoved(w.Tree, oldname) {
		return ErrBusy
	}
	if err := s.name(w, newname, func() error { return w.Tree.Rename(oldname, newname) }); err != nil {
		return err
	}
	return s.Disk.Added(w.Disk, w.Tree, oldname, newname)
}

// name calls give, which gives a file the name newname.
func (s *Store) name(w Writer, newname string, give func() error) error {
	defer s.names.lock(newname, w.Existing)()
	if w.Existing == Leave {
		switch _, err := w.Tree.Lstat(newname); {
		case err == nil:
			return fs.ErrExist
		case !errors.Is(err, fs.ErrNotExist): // nobody knows what would be replaced
			return err
		}
	}
	err := give()
	if err == nil {
		s.claims.replace(w.Tree, newname)
	}
	return err
}

// replaceable describes the target, nil if there is none. It is an error if it could not be written.
func (t Target) replaceable() (fs.FileInfo, error) {
	info, err := t.lookWritable()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}

func (t Target) lookWritable() (fs.FileInfo, error) {
	if _, ok := t.Tree.(*vfs.Root); !ok { // an afero.CopyOnWriteFs copies what is opened for writing
		info, err := t.Tree.Stat(t.Name)
		switch {
		case err != nil:
			return nil, err
		case info.IsDir():
			return nil, syscall.EISDIR
		case info.Mode().Perm() != 0 && info.Mode()&0o200 == 0: // what afero.MemMapFs.Create makes has no mode
			return nil, fs.ErrPermission
		}
		return info, nil
	}
	f, err := t.Tree.OpenFile(t.Name, os.O_WRONLY, 0) // asks all that at once
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// create begins an upload in a new hidden file.
func (s *Store) create(t Target, old fs.FileInfo) (*Upload, error) {
	h := &hidden{temp: partialName(t.Name), old: old}
	f, err := create(t.Tree, h.temp, t.Perm)
	if err != nil {
		return nil, err
	}
	return newUpload(s, t, f, 0, h), nil
}

// resume begins an upload in what an earlier one has left. That is taken by renaming it, so that of two who want it
// one comes too late.
func (s *Store) resume(t Target, old fs.FileInfo, off int64) (*Upload, error) {
	h := &hidden{temp: partialName(t.Name), old: old}
	kept := keptName(t.Name, t.Owner)
	if err := t.Tree.Rename(kept, h.temp); err != nil {
		return nil, err
	}
	f, err := openAt(t.Tree, h.temp, off)
	if err != nil {
		_ = t.Tree.Rename(h.temp, kept)
		return nil, err
	}
	return newUpload(s, t, f, off, h), nil
}

// openAt opens a file to write, and cuts it at size. The error is ErrOffset if it is shorter: to cut it would lengthen it.
func openAt(tree vfs.Tree, name string, size int64) (afero.File, error) {
	f, err := tree.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() < size {
		err = ErrOffset
	}
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// copyChunk is how much of a file is copied between two looks at whether that is still wanted.
const copyChunk = 64 << 20

// rewrite begins an upload in a new hidden file that holds what the target does.
func (s *Store) rewrite(ctx context.Context, t Target, old fs.FileInfo, off int64) (*Upload, error) {
	from, err := t.Tree.Open(t.Name)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	u, err := s.create(t, old)
	if err != nil {
		return nil, err
	}
	var copied, n int64
	for err == nil {
		n, err = io.CopyN(u.file, from, copyChunk) // copy_file_range(2) on Linux
		copied += n
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}
	if err == io.EOF && copied < off { // it has become shorter
		err = ErrOffset
	}
	if err != io.EOF {
		u.Abort(0, err)
		return nil, err
	}
	u.start = off
	return u, nil
}

// toEnd is an offset at the end of a file, wherever that is.
const toEnd = -1

// extend begins an upload in the target itself, whose end must be at off.
func (s *Store) extend(t Target, off int64) (*Upload, error) {
	claim, err := s.claims.take(t.Tree, t.Name)
	if err != nil {
		return nil, err
	}
	f, err := t.openEnd()
	if err != nil {
		s.claims.release(claim)
		return nil, err
	}
	u := newUpload(s, t, f, off, &inPlace{claim})
	if err := s.claims.identify(claim, f); err != nil {
		u.Abort(0, err)
		return nil, err
	}
	info, err := f.Stat() // after the claim: the size stays
	switch {
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	case off == toEnd:
		u.start = info.Size()
	case off != info.Size():
		err = ErrOffset
	}
	if err != nil {
		u.Abort(0, err)
		return nil, err
	}
	return u, nil
}

// openEnd opens the target to write into it, if that is allowed.
func (t Target) openEnd() (afero.File, error) {
	if _, ok := t.Tree.(*vfs.Root); !ok {
		if _, err := t.lookWritable(); err != nil {
			return nil, err
		}
	}
	f, err := t.Tree.OpenFile(t.Name, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	if t.Existing == Leave { // whoever called us has seen none, a moment ago
		_ = f.Close()
		return nil, fs.ErrExist
	}
	return f, nil
}
