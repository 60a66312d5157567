package upload

import (
	"errors"
	"io/fs"
	"syscall"
)

// The methods below change names without an upload, and sync the change by the policy of the Writer. After a
// [*durable.Error] the change was made. They discard kept uploads of the owner if the name means another file afterwards,
// or none. A change that a lock forbids is a *LockedError.

// Make calls make to create a directory or a link called name.
func (s *Store) Make(w Writer, name string, make func(name string) error) error {
	if err := s.checkLocks(w, name, member); err != nil {
		return err
	}
	if err := w.Space.Make(name, func() error { return make(name) }); err != nil {
		return err
	}
	s.DiscardKept(w, name)
	return s.Disk.SyncAdded(w.Disk, w.Tree, name)
}

// Remove calls remove to remove a file or a link. If that does not exist, but a kept upload does, discarding it is a
// success.
func (s *Store) Remove(w Writer, name string, remove func(name string) error) error {
	return s.RemoveIf(w, name, nil, remove)
}

// RemoveIf is Remove, but first calls check, unless that is nil. After an error of check nothing is removed. Between both
// calls this Store gives the name to no other file.
func (s *Store) RemoveIf(w Writer, name string, check func() error, remove func(name string) error) error {
	err := s.removeIf(w, name, check, trackEntry(w, remove))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if wasKept := s.DiscardKept(w, name); err != nil && !wasKept {
		return err
	}
	return s.Disk.SyncRemoved(w.Disk, w.Tree, name)
}

func (s *Store) removeIf(w Writer, name string, check func() error, remove func(name string) error) error {
	defer s.lockName(name, check != nil)()
	if err := s.checkLocks(w, name, member); err != nil {
		return err
	}
	if check != nil {
		if err := check(); err != nil {
			return err
		}
	}
	err := remove(name)
	if err == nil {
		s.dropLocks(w.Tree, name)
	}
	return err
}

// RemoveDir calls remove to remove a directory. A directory with nothing but kept uploads counts as empty, because clients
// cannot see them.
func (s *Store) RemoveDir(w Writer, name string, remove func(name string) error) error {
	if err := s.checkLocks(w, name, subtree); err != nil {
		return err
	}
	remove = trackEntry(w, remove)
	err := remove(name)
	isFull := errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) // the second for Windows
	if isFull && w.Owner != "" && s.discardAllKept(w, name) {
		err = remove(name)
	}
	if err != nil {
		return err
	}
	s.dropLocks(w.Tree, name)
	return s.Disk.SyncRemoved(w.Disk, w.Tree, name)
}

// RemoveAll calls remove to remove name and everything below it.
func (s *Store) RemoveAll(w Writer, name string, remove func(name string) error) error {
	if err := s.checkLocks(w, name, subtree); err != nil {
		return err
	}
	if err := w.Space.Track(func() error { return remove(name) }, name); err != nil {
		return err
	}
	s.dropLocks(w.Tree, name)
	return s.Disk.SyncRemoved(w.Disk, w.Tree, name)
}

// trackEntry returns remove, which removes an empty directory or a link, and counts that.
func trackEntry(w Writer, remove func(name string) error) func(name string) error {
	return func(name string) error {
		return w.Space.TrackEntry(func() error { return remove(name) }, name)
	}
}

// Rename moves oldname to newname. w.Existing says whether an existing file is replaced or the error is fs.ErrExist, also
// if another goroutine renames or commits by this Store. The error is ErrBusy if an upload writes into a file that would
// be moved, unless the file is one of the operating system, which stays known after a move.
func (s *Store) Rename(w Writer, oldname, newname string) error {
	if s.claims.blocksMove(w.Tree, oldname) {
		return ErrBusy
	}
	if err := s.checkLocks(w, oldname, subtree); err != nil {
		return err
	}
	err := s.giveName(w, newname, func() error {
		return w.Space.Rename(oldname, newname, func() error { return w.Tree.Rename(oldname, newname) })
	})
	if err != nil {
		return err
	}
	s.dropLocks(w.Tree, oldname)
	s.DiscardKept(w, oldname)
	s.DiscardKept(w, newname)
	return s.Disk.SyncAdded(w.Disk, w.Tree, oldname, newname)
}

// Change calls change to set the time, the mode or the owner of a file.
func (s *Store) Change(w Writer, name string, change func(name string) error) error {
	if err := s.checkLocks(w, name, content); err != nil {
		return err
	}
	if err := change(name); err != nil {
		return err
	}
	return s.Disk.SyncChanged(w.Disk, w.Tree, name)
}
