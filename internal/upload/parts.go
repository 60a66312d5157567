package upload

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// errLocked means that an upload writes to a hidden file.
var errLocked = errors.New("file is locked")

// partLocks are the names of the hidden files that this process writes to. Those of other processes have a file lock.
type partLocks struct {
	mu    sync.Mutex // guards the field below
	names map[string]struct{}
}

// take reserves a name until release, and reports whether it was free. Files of the same name in two trees count as one.
func (p *partLocks) take(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, taken := p.names[name]; taken {
		return false
	}
	if p.names == nil {
		p.names = make(map[string]struct{})
	}
	p.names[name] = struct{}{}
	return true
}

func (p *partLocks) release(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.names, name)
}

// partFile is a hidden file that one upload has for itself.
type partFile struct {
	name    string
	release func() // to be called when the upload has finished writing, or after a rename
}

// newPart calls make to make a hidden file for an upload to t. If the owner may resume it, it gets the name that is found
// after a crash, unless another upload has that name.
func (s *Store) newPart(t Target, make func(name string) (afero.File, error)) (partFile, afero.File, error) {
	if t.Keep && t.Owner != "" {
		name := activeName(t.Writer, t.Name)
		if isPersistent(t.Tree, name) { // where making the file does not show that it exists
			s.removeAbandoned(t.Writer, name)
		}
		p, f, err := s.newPartAt(t.Writer, name, make)
		if err == nil || !errors.Is(err, fs.ErrExist) && !errors.Is(err, ErrBusy) {
			return p, f, err
		}
	}
	return s.newPartAt(t.Writer, partialName(t.Name), make)
}

// newPartAt is newPart for a given name. It removes an abandoned file of that name. The error is ErrBusy or fs.ErrExist if
// an active upload has the name.
func (s *Store) newPartAt(w Writer, name string, make func(name string) (afero.File, error)) (partFile, afero.File, error) {
	if !s.parts.take(name) {
		return partFile{}, nil, ErrBusy
	}
	tree := w.Tree
	f, err := make(name)
	if errors.Is(err, fs.ErrExist) {
		if abandoned, unlock, openErr := openAbandoned(tree, name); openErr == nil {
			_ = abandoned.Close() // nothing was written to it
			_ = removeCounted(w, name)
			unlock()
			f, err = make(name)
		}
	}
	if err != nil {
		s.parts.release(name)
		return partFile{}, nil, err
	}
	unlock, err := lockAt(tree, name, f)
	if errors.Is(err, ErrBusy) { // another process took it for abandoned before it was locked
		_ = f.Close() // nothing was written to it
		s.parts.release(name)
		return partFile{}, nil, err
	}
	return partFile{name, func() { unlock(); s.parts.release(name) }}, f, nil
}

// takeAbandoned opens the hidden file of an upload that a crash has ended, for writing by the caller alone. The error is
// ErrBusy if the upload is active, or if that cannot be found out.
func (s *Store) takeAbandoned(tree vfs.Tree, name string) (partFile, afero.File, error) {
	if !s.parts.take(name) {
		return partFile{}, nil, ErrBusy
	}
	f, unlock, err := openAbandoned(tree, name)
	if err != nil {
		s.parts.release(name)
		return partFile{}, nil, err
	}
	return partFile{name, func() { unlock(); s.parts.release(name) }}, f, nil
}

// isAbandoned reports whether name is the hidden file of an upload that a crash has ended.
func (s *Store) isAbandoned(tree vfs.Tree, name string) bool {
	p, f, err := s.takeAbandoned(tree, name)
	if err != nil {
		return false
	}
	_ = f.Close() // nothing was written to it
	p.release()
	return true
}

// removeAbandoned removes the hidden file name if its upload was ended by a crash, and reports whether it did.
func (s *Store) removeAbandoned(w Writer, name string) bool {
	p, f, err := s.takeAbandoned(w.Tree, name)
	if err != nil {
		return false
	}
	defer p.release()
	_ = f.Close() // nothing was written to it
	return removeCounted(w, name) == nil
}

// removeCounted removes the hidden file of an upload that has ended.
func removeCounted(w Writer, name string) error {
	return trackEntry(w, func(name string) error { return remove(w.Tree, name) })(name)
}

// removeHidden removes a kept file, and reports whether there was one.
func (s *Store) removeHidden(w Writer, name string) bool {
	return trackEntry(w, w.Tree.Remove)(name) == nil
}

// openAbandoned opens and locks the hidden file name, or returns ErrBusy if it cannot be locked.
func openAbandoned(tree vfs.Tree, name string) (f afero.File, unlock func(), err error) {
	if p, inTree, ok := persistentAt(tree, name); ok {
		if !p.IsAbandonedUpload(inTree) {
			return nil, nil, ErrBusy
		}
		f, err := tree.OpenFile(name, os.O_WRONLY, 0)
		return f, func() {}, err
	}
	if f, err = tree.OpenFile(name, os.O_WRONLY, 0); err != nil {
		return nil, nil, err
	}
	if osFile, ok := vfs.OSFile(f); ok {
		if unlock, err = lock(osFile); err == nil {
			if err = checkNamed(tree, name, osFile); err == nil {
				return f, unlock, nil
			}
			unlock()
		}
	}
	_ = f.Close() // nothing was written to it
	return nil, nil, ErrBusy
}

// lockAt locks a file that was just opened as name. Without support for locks it does nothing. The error is ErrBusy if
// another process has the lock, or name is another file by now.
func lockAt(tree vfs.Tree, name string, f afero.File) (unlock func(), err error) {
	osFile, ok := vfs.OSFile(f)
	if !ok {
		return func() {}, nil
	}
	unlock, err = lock(osFile)
	switch {
	case errors.Is(err, errLocked):
		return nil, ErrBusy
	case err != nil:
		return func() {}, nil
	case checkNamed(tree, name, osFile) != nil:
		unlock()
		return nil, ErrBusy
	}
	return unlock, nil
}

// checkNamed returns an error if name is not the file f any more.
func checkNamed(tree vfs.Tree, name string, f *os.File) error {
	named, err := tree.Lstat(name)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !isSameFile(named, info) {
		err = fs.ErrNotExist
	}
	return err
}
