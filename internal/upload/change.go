package upload

import (
	"errors"
	"io/fs"
	"syscall"
)

// What changes names without an upload. All of it is brought to the disk as the Writer asks for; after a
// [*durable.Error] it is done. What the owner's uploads to a name have left is forgotten when that means another file,
// or none.

// Make has make give the name to what was not there: a directory, or a link.
func (s *Store) Make(w Writer, name string, make func(name string) error) error {
	if err := make(name); err != nil {
		return err
	}
	s.DiscardKept(w, name)
	return s.Disk.SyncAdded(w.Disk, w.Tree, name)
}

// Remove has remove take a file or a link away. If there is nothing but what an upload has left, to remove that is a
// success.
func (s *Store) Remove(w Writer, name string, remove func(name string) error) error {
	err := remove(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if had := s.DiscardKept(w, name); err != nil && !had {
		return err
	}
	return s.Disk.SyncRemoved(w.Disk, w.Tree, name)
}

// RemoveDir has remove take a directory away. One with nothing but what uploads have left is empty: clients see nothing
// in it.
func (s *Store) RemoveDir(w Writer, name string, remove func(name string) error) error {
	err := remove(name)
	isFull := errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) // which Windows does not take for the same
	if isFull && w.Owner != "" && s.DiscardAllKept(w.Tree, name) {
		err = remove(name)
	}
	if err != nil {
		return err
	}
	return s.Disk.SyncRemoved(w.Disk, w.Tree, name)
}

// Rename moves oldname to newname. A file that has that name is replaced, or is fs.ErrExist, as w.Existing says; that
// holds against everybody who renames or commits by this Store. The error is ErrBusy if bytes are being added to what
// would be moved, and only its name tells that: a file of the operating system can be moved then.
func (s *Store) Rename(w Writer, oldname, newname string) error {
	if s.claims.isMoved(w.Tree, oldname) {
		return ErrBusy
	}
	if err := s.name(w, newname, func() error { return w.Tree.Rename(oldname, newname) }); err != nil {
		return err
	}
	s.DiscardKept(w, oldname)
	s.DiscardKept(w, newname)
	return s.Disk.SyncAdded(w.Disk, w.Tree, oldname, newname)
}

// Change has change set the time, the mode or the owner of a file.
func (s *Store) Change(w Writer, name string, change func(name string) error) error {
	if err := change(name); err != nil {
		return err
	}
	return s.Disk.SyncChanged(w.Disk, w.Tree, name)
}
