package upload

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/durable"
	"sluice/internal/keylock"
	"sluice/internal/quota"
	"sluice/internal/vfs"
)

// Errors of beginning or committing an upload.
var (
	// ErrBusy means that another upload writes into the same file.
	ErrBusy = errors.New("file is being written by another transfer")
	// ErrGone means that the file was removed or replaced while the upload wrote into it, so that the bytes are lost.
	ErrGone = errors.New("file was removed or replaced meanwhile")
	// ErrUncertain means that bytes appended to a file could neither be synced nor removed again, so that the end of the
	// file is not known.
	ErrUncertain = errors.New("the end of the file is in doubt")
	// ErrOffset means that an upload was to begin after the end of the file. The gap would look like data.
	ErrOffset = errors.New("offset is not in the file")
	// ErrUntrusted means that the bytes may come from another client. They are not kept.
	ErrUntrusted = errors.New("the data may come from another client")
)

// Store begins uploads and coordinates concurrent ones. All goroutines that write into the same trees must share one Store;
// it does not coordinate with other Stores or processes. The zero value is ready for use. It is safe for concurrent use and
// must not be copied.
type Store struct {
	// Disk syncs the changes of the Store. Its users may use it for other changes.
	Disk durable.Syncer

	names  keylock.Locks
	claims claims
	parts  partLocks
	leases leases
	locks  lockTable
}

// Shared is the Store of all servers of this process, because they may serve the same trees.
var Shared Store

// Existing says what happens to an existing file with the name of a target.
type Existing int

const (
	Leave   Existing = iota // it is unchanged, and the upload fails with fs.ErrExist
	Replace                 // it is replaced, or written to
	Evade                   // it is unchanged and unnoticed: the upload gets a free name, see Upload.Name
)

// Writer is a user of a tree, with its options.
type Writer struct {
	Tree vfs.Tree

	// Owner is the name of the user who may resume a kept upload; "" means that nothing is kept.
	Owner string

	// Existing says what happens to existing files.
	Existing Existing

	// Disk says which changes are synced.
	Disk durable.Policy

	// Space bounds what the user may write, and counts it; nil: there is no bound. It must be a Space for Tree.
	Space *quota.Space

	// Tokens are those of locks that the client has (see Store.Lock). A change of what another lock protects is a
	// *LockedError.
	Tokens []string
}

// Target is the file that an upload becomes.
type Target struct {
	Writer
	Name string      // absolute and clean; a symbolic link of that name is replaced, not followed
	Perm fs.FileMode // of a new file; the umask applies

	// Size is the size of the file that the client has announced; 0: not known. There is room for it when the upload
	// begins, or the error is a *quota.Error. The caller must not write more bytes. See Upload.Writer.
	Size int64

	// Keep keeps the bytes of a failed upload, if there is an Owner.
	Keep bool

	// Resume is the size of the kept upload to this target, as Kept, Commit or Abort returned it; 0 if the owner did not
	// ask. If it is correct, WriteFrom and Append can resume there. Otherwise, and by Create, the kept upload is
	// discarded.
	Resume int64

	// ModTime is the time of modification that the file gets before it becomes visible; zero: that of its last write. It
	// is not set in place, nor by a file system that cannot: see Upload.HasModTime.
	ModTime time.Time

	// Check and Named, if not nil, are called right before and right after the file gets its name, while this Store gives
	// the name to no other file and removes none of that name. An error of Check ends the upload like one of Commit's
	// check. They are not called in place.
	Check func() error
	Named func()

	// InPlace writes into the target itself. It keeps its owner, its hard links and its blocks on the disk, and needs no
	// space for a second copy. But readers see an incomplete file, and a failed upload has overwritten the old one.
	InPlace bool
}

// Create begins an upload of the whole target. The caller ends it by Commit or Abort.
//
// An existing target that is not writable is an error, although it could be replaced. If Existing is Leave, an existing
// target is an error of Commit, not of Create.
func (s *Store) Create(t Target) (*Upload, error) {
	if err := s.checkTarget(t.Writer, t.Name); err != nil {
		return nil, err
	}
	if t.InPlace && t.Existing != Evade {
		return s.overwrite(t, 0)
	}
	old, err := t.oldTarget()
	if err != nil {
		return nil, err
	}
	return s.createHidden(t, old, infoOf(old))
}

// WriteFrom begins an upload at the offset off of the target. The caller ends it by Commit or Abort.
//
// The bytes before off come from one of these files:
//
//   - If there is no target, from the kept upload, truncated at off.
//   - If there is one, and off is its end or InPlace is set, from the target, which the upload is written into.
//   - If off is the end of the kept upload, from that.
//   - Else from a copy of the target, whose bytes after the upload's end stay too. The copy is made while the upload is
//     received, until ctx ends, and Commit waits for it; an upload that fails before is not kept. (If source or copy is no
//     *os.File, WriteFrom makes the copy before it returns.)
//
// The error is ErrOffset if off is after the end of both target and kept upload. With off 0 WriteFrom is Create.
func (s *Store) WriteFrom(ctx context.Context, t Target, off int64) (*Upload, error) {
	if off == 0 {
		return s.Create(t)
	}
	if err := s.checkTarget(t.Writer, t.Name); err != nil {
		return nil, err
	}
	old, err := t.oldTarget()
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

// Append begins an upload at the end of the target. If there is no target it resumes the kept upload, and if there is none
// either it is Create. The caller ends it by Commit or Abort.
func (s *Store) Append(t Target) (*Upload, error) {
	if err := s.checkTarget(t.Writer, t.Name); err != nil {
		return nil, err
	}
	var u *Upload
	err := fs.ErrNotExist
	if t.Existing != Evade {
		u, err = s.extend(t, atEnd)
	}
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

// giveName calls give, which renames a file to newname, or returns fs.ErrExist if w may not replace an existing file.
func (s *Store) giveName(w Writer, newname string, give func() error) error {
	defer s.lockName(newname, w.Existing != Replace)()
	return s.giveLockedName(w, newname, give)
}

// giveLockedName is giveName for a caller that has the lock of the name.
func (s *Store) giveLockedName(w Writer, newname string, give func() error) error {
	if w.Existing != Replace {
		switch _, err := w.Tree.Lstat(newname); {
		case err == nil:
			return fs.ErrExist
		case !errors.Is(err, fs.ErrNotExist): // a file may exist
			return err
		}
	}
	if err := s.checkTarget(w, newname); err != nil {
		return err
	}
	err := give()
	if err == nil {
		s.claims.replace(w.Tree, newname)
	}
	return err
}

// oldTarget describes the target, or returns nil if it does not exist. The error says that it is not writable.
func (t Target) oldTarget() (*oldFile, error) {
	if t.Existing == Evade {
		return nil, nil
	}
	old, err := t.describeWritable()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return old, err
}

// describeWritable describes the target. The error says that it does not exist or is not writable.
func (t Target) describeWritable() (*oldFile, error) {
	if _, _, ok := vfs.RootOf(t.Tree, t.Name); !ok { // opening for writing would make a copy in an afero.CopyOnWriteFs
		info, err := t.Tree.Stat(t.Name)
		switch {
		case err != nil:
			return nil, err
		case info.IsDir():
			return nil, syscall.EISDIR
		case info.Mode().Perm() != 0 && info.Mode()&0o200 == 0: // files made by afero.MemMapFs.Create have mode 0
			return nil, fs.ErrPermission
		}
		if !isOSFile(info) { // opening it may mean a download
			return &oldFile{FileInfo: info}, nil
		}
		f, err := t.Tree.Open(t.Name)
		if err != nil { // it may be writable but not readable
			return &oldFile{FileInfo: info}, nil
		}
		defer f.Close()
		if osFile, ok := vfs.OSFile(f); ok {
			return describeOld(osFile)
		}
		return &oldFile{FileInfo: info}, nil
	}
	f, err := t.Tree.OpenFile(t.Name, os.O_WRONLY, 0) // checks everything at once
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return describeOld(f.(*os.File)) // which is promised by vfs.Root
}

// createHidden begins an upload in a new hidden file, and discards the kept one. The file gets the attributes of old, if
// there is one, and replaces another, which replaced describes; nil: none.
func (s *Store) createHidden(t Target, old *oldFile, replaced fs.FileInfo) (*Upload, error) {
	hold, err := t.Space.Begin(t.Name, replaced, t.Size)
	if errors.As(err, new(*quota.Error)) && s.DiscardKept(t.Writer, t.Name) { // it would be discarded below
		hold, err = t.Space.Begin(t.Name, replaced, t.Size)
	}
	if err != nil {
		return nil, err
	}
	p, f, err := s.newPart(t, func(name string) (afero.File, error) { return create(t.Tree, name, t.becomes(), t.Perm) })
	if err != nil {
		hold.End()
		return nil, err
	}
	hold.Attach(p.name, f)
	if t.Owner != "" {
		s.removeHidden(t.Writer, keptName(t.Name, t.Owner))
	}
	return newUpload(s, t, f, 0, &hiddenFile{partFile: p, old: old}, hold), nil
}

// becomes returns the name that the upload gets, or "" if that is not known before it ends.
func (t Target) becomes() string {
	if t.Existing == Evade {
		return ""
	}
	return t.Name
}

// infoOf returns the description of a file that may not exist.
func infoOf(old *oldFile) fs.FileInfo {
	if old == nil {
		return nil
	}
	return old.FileInfo
}

// resume begins an upload at off in the kept file of that name.
func (s *Store) resume(t Target, kept string, old *oldFile, off int64) (*Upload, error) {
	p, f, hold, err := s.takeKept(t, kept, infoOf(old), off)
	if err != nil {
		return nil, err
	}
	return newUpload(s, t, f, off, &hiddenFile{partFile: p, old: old}, hold), nil
}
