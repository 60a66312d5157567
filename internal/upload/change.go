package upload

// What changes names without an upload. All of it is brought to the disk as the Writer asks for; after a
// [*durable.Error] it is done.

// Make has make give the name to what was not there: a directory, or a link.
func (s *Store) Make(w Writer, name string, make func(name string) error) error {
	if err := make(name); err != nil {
		return err
	}
	return s.Disk.Added(w.Disk, w.Tree, name)
}

// Remove has remove take a file, a link or a directory away.
func (s *Store) Remove(w Writer, name string, remove func(name string) error) error {
	if err := remove(name); err != nil {
		return err
	}
	return s.Disk.Removed(w.Disk, w.Tree, name)
}

// Change has change set the time, the mode or the owner of a file.
func (s *Store) Change(w Writer, name string, change func(name string) error) error {
	if err := change(name); err != nil {
		return err
	}
	return s.Disk.Changed(w.Disk, w.Tree, name)
}
