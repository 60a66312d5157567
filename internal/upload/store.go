package upload

import (
	"context"
	"errors"
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
	// ErrUncertain means that what was added to a file could not be brought to the disk, nor taken away again: nobody knows
	// what is at the end of the file.
	ErrUncertain = errors.New("the end of the file is in doubt")
	// ErrOffset means that an upload was to begin behind the end of what there is: the gap would look like data.
	ErrOffset = errors.New("offset is not in the file")
	// ErrUntrusted means that what has come may be somebody else's. Nothing of it is kept.
	ErrUntrusted = errors.New("what has come may be of somebody else")
)

// Store begins uploads, and keeps them from getting in each other's way. All who write into the same trees share one;
// what another Store or another process does, it does not know. The zero value is ready for use, by many goroutines at
// once; it must not be copied.
type Store struct {
	// Disk brings to the disk what the Store changes, and what its users change by themselves.
	Disk durable.Syncer

	names  names
	claims claims
	parts  parts
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

	// Resume is how many bytes the owner knows to be kept of its last upload to this target: Kept, Commit or Abort has
	// said so. If that is how many there are, WriteFrom and Append may go on there; else, and by Create, they are
	// forgotten. 0: nothing is known.
	Resume int64

	// InPlace writes into the target itself, under its name, where it keeps its owner, its links and its place on the
	// disk, and needs no room for a second copy. Readers see it half, and what breaks off has overwritten it.
	InPlace bool
}

// Create begins an upload that becomes all of the target. The caller ends it by Commit or Abort.
//
// A target that may not be written to is an error: what cannot be changed is not replaced either. If Existing is Leave,
// a target that exists is an error of Commit, not of Create.
func (s *Store) Create(t Target) (*Upload, error) {
	if t.InPlace {
		return s.overwrite(t, 0)
	}
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
//   - If there is no target, from what is kept for its owner. That is cut at off.
//   - If there is one, and off is its end or it is written to in place, they are in the target: the upload goes there.
//   - If off is the end of what is kept, from that.
//   - Else from a copy of the target, which keeps what is behind the upload's end too. It is made while the upload is
//     received, and Commit waits for it, until ctx ends; what breaks off before is not kept. (If one of the two is no
//     *os.File, WriteFrom makes the copy.)
//
// The error is ErrOffset if off is behind the end of both. With off 0 WriteFrom is Create.
func (s *Store) WriteFrom(ctx context.Context, t Target, off int64) (*Upload, error) {
	if off == 0 {
		return s.Create(t)
	}
	old, err := t.replaceable()
	if err != nil {
		return nil, err
	}
	kept, size := s.resumable(t)
	switch {
	case kept != "" && off <= size && (old == nil || off == size && off != old.Size()):
		return s.resume(t, kept, old, off)
	case old == nil || off > old.Size():
		return nil, ErrOffset
	}
	s.DiscardKept(t.Writer, t.Name)
	switch {
	case off == old.Size():
		return s.extend(t, off)
	case t.InPlace:
		return s.overwrite(t, off)
	}
	return s.rewrite(ctx, t, old, off)
}

// Append begins an upload at the end of the target. If there is none it goes on with what is kept for its owner, and if
// there is nothing of that it is Create. The caller ends it by Commit or Abort.
func (s *Store) Append(t Target) (*Upload, error) {
	u, err := s.extend(t, toEnd)
	if !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			s.DiscardKept(t.Writer, t.Name)
		}
		return u, err
	}
	if kept, size := s.resumable(t); kept != "" {
		return s.resume(t, kept, nil, size)
	}
	return s.Create(t)
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
func (t Target) replaceable() (*old, error) {
	old, err := t.lookWritable()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return old, err
}

func (t Target) lookWritable() (*old, error) {
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
		if !isOfSystem(info) { // to open it may mean to fetch it
			return &old{FileInfo: info}, nil
		}
		f, err := t.Tree.Open(t.Name)
		if err != nil { // it may be written to, and not read
			return &old{FileInfo: info}, nil
		}
		defer f.Close()
		if osFile, ok := vfs.OSFile(f); ok {
			return describe(osFile)
		}
		return &old{FileInfo: info}, nil
	}
	f, err := t.Tree.OpenFile(t.Name, os.O_WRONLY, 0) // asks all that at once
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return describe(f.(*os.File)) // as Root has promised
}

// create begins an upload in a new hidden file. What an earlier one has left is forgotten.
func (s *Store) create(t Target, old *old) (*Upload, error) {
	p, f, err := s.newPart(t, func(name string) (afero.File, error) { return create(t.Tree, name, t.Perm) })
	if err != nil {
		return nil, err
	}
	if t.Owner != "" {
		_ = t.Tree.Remove(keptName(t.Name, t.Owner))
	}
	return newUpload(s, t, f, 0, &hidden{part: p, old: old}), nil
}

// resume begins an upload in what an earlier one has left under the name kept.
func (s *Store) resume(t Target, kept string, old *old, off int64) (*Upload, error) {
	p, f, err := s.takeKept(t, kept, off)
	if err != nil {
		return nil, err
	}
	return newUpload(s, t, f, off, &hidden{part: p, old: old}), nil
}
