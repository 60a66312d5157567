package upload

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// errLocked means that a hidden file is being written to.
var errLocked = errors.New("file is locked")

// parts are the hidden files to which this process writes, by their names. What other processes write to is locked.
type parts struct {
	mu      sync.Mutex // guards the field below
	written map[string]struct{}
}

// take reports whether nobody writes to the file of that name, which is the caller's then until release. Files of the
// same name in two trees count as one.
func (p *parts) take(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, taken := p.written[name]; taken {
		return false
	}
	if p.written == nil {
		p.written = make(map[string]struct{})
	}
	p.written[name] = struct{}{}
	return true
}

func (p *parts) release(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.written, name)
}

// part is a hidden file that is one upload's alone.
type part struct {
	name    string
	release func() // when nobody writes to it any more, or it has another name
}

// newPart has make make a hidden file for the upload to t. If its owner may go on with it, it gets the name by which the
// owner finds it after a crash, unless another upload has that.
func (s *Store) newPart(t Target, make func(name string) (afero.File, error)) (part, afero.File, error) {
	if t.Keep && t.Owner != "" {
		name := writtenName(t.Name, t.Owner)
		p, f, err := s.tryPart(t.Tree, name, make)
		if err == nil || !errors.Is(err, fs.ErrExist) && !errors.Is(err, ErrBusy) {
			return p, f, err
		}
	}
	return s.tryPart(t.Tree, partialName(t.Name), make)
}

// tryPart is newPart for one name. What a crash has left there is removed. The error is ErrBusy or fs.ErrExist if
// another upload has it.
func (s *Store) tryPart(tree vfs.Tree, name string, make func(name string) (afero.File, error)) (part, afero.File, error) {
	if !s.parts.take(name) {
		return part{}, nil, ErrBusy
	}
	f, err := make(name)
	if errors.Is(err, fs.ErrExist) {
		if dead, unlock, openErr := openDead(tree, name); openErr == nil {
			_ = dead.Close() // nothing was written to it
			_ = remove(tree, name)
			unlock()
			f, err = make(name)
		}
	}
	if err != nil {
		s.parts.release(name)
		return part{}, nil, err
	}
	unlock, err := lockAt(tree, name, f)
	if errors.Is(err, ErrBusy) { // somebody took it for dead, in between
		_ = f.Close() // nothing was written to it
		s.parts.release(name)
		return part{}, nil, err
	}
	return part{name, func() { unlock(); s.parts.release(name) }}, f, nil
}

// takeDead opens for writing what a crash has left of an upload, which is the caller's then. The error is ErrBusy if the
// upload may be under way: it is, or nobody can tell.
func (s *Store) takeDead(tree vfs.Tree, name string) (part, afero.File, error) {
	if !s.parts.take(name) {
		return part{}, nil, ErrBusy
	}
	f, unlock, err := openDead(tree, name)
	if err != nil {
		s.parts.release(name)
		return part{}, nil, err
	}
	return part{name, func() { unlock(); s.parts.release(name) }}, f, nil
}

// isDead reports whether a crash has left the hidden file of that name.
func (s *Store) isDead(tree vfs.Tree, name string) bool {
	p, f, err := s.takeDead(tree, name)
	if err != nil {
		return false
	}
	_ = f.Close() // nothing was written to it
	p.release()
	return true
}

// removeDead removes the hidden file of that name if nobody writes to it, and reports whether that was so.
func (s *Store) removeDead(tree vfs.Tree, name string) bool {
	p, f, err := s.takeDead(tree, name)
	if err != nil {
		return false
	}
	defer p.release()
	_ = f.Close() // nothing was written to it
	return remove(tree, name) == nil
}

func openDead(tree vfs.Tree, name string) (f afero.File, unlock func(), err error) {
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

// lockAt locks a file that was just opened as name. Where there are no locks that is no error. The error is ErrBusy if
// another has the lock, or name is another file by now.
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

// checkNamed returns an error if f is not the file of that name any more.
func checkNamed(tree vfs.Tree, name string, f *os.File) error {
	named, err := tree.Lstat(name)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !isSame(named, info) {
		err = fs.ErrNotExist
	}
	return err
}
