package upload

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/partial"
	"sluice/internal/quota"
	"sluice/internal/vfs"
)

// Kept describes the kept bytes of the owner's last upload to target, which failed or was ended by a crash. The error is
// fs.ErrNotExist if there are none, or while an upload of the owner to target is active.
func (s *Store) Kept(w Writer, target string) (fs.FileInfo, error) {
	_, info, err := s.findKept(w, target)
	return info, err
}

// findKept is Kept, but returns the name of the hidden file too.
func (s *Store) findKept(w Writer, target string) (name string, info fs.FileInfo, err error) {
	if w.Owner == "" {
		return "", nil, fs.ErrNotExist
	}
	name = keptName(target, w.Owner)
	if info, err = w.Tree.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return name, info, err
	}
	name = activeName(w, target)
	info, err = w.Tree.Stat(name)
	if err == nil && (info.Size() == 0 || !s.isAbandoned(w.Tree, name)) {
		err = fs.ErrNotExist
	}
	return name, info, err
}

// resumable returns name and size of the kept file for the target, if its size is t.Resume, else "".
func (s *Store) resumable(t Target) (name string, size int64) {
	if t.Resume == 0 {
		return "", 0
	}
	name, info, err := s.findKept(t.Writer, t.Name)
	if err != nil || info.Size() != t.Resume {
		return "", 0
	}
	return name, t.Resume
}

// takeKept gives the kept file the name of an active upload, opens it and truncates it to size. If two uploads try, one
// fails.
func (s *Store) takeKept(t Target, kept string, old fs.FileInfo, size int64) (p partFile, f afero.File, hold *quota.Hold, err error) {
	if kept != keptName(t.Name, t.Owner) { // left by a crash, under the name of an active upload
		p, f, err = s.takeAbandoned(t.Tree, kept)
	} else {
		p, f, err = s.newPart(t, func(name string) (afero.File, error) {
			if _, err := t.Tree.Lstat(name); err == nil {
				return nil, fs.ErrExist
			}
			if err := t.renameHidden(kept, name); err != nil {
				return nil, err
			}
			f, err := t.Tree.OpenFile(name, os.O_WRONLY, 0)
			if err != nil {
				_ = t.renameHidden(name, kept)
			}
			return f, err
		})
	}
	if err != nil {
		return partFile{}, nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() < size {
		err = ErrOffset // Truncate would extend it
	}
	if err == nil {
		hold, err = t.Space.Adopt(p.name, info.Size(), t.Name, old)
	}
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		hold.Shrink(size)
		hold.Watch(f)
		err = hold.Grow(t.Size)
	}
	if err != nil {
		_ = f.Close() // nothing was written to it
		hold.End()
		_ = t.renameHidden(p.name, keptName(t.Name, t.Owner))
		p.release()
		return partFile{}, nil, nil, err
	}
	return p, f, hold, nil
}

// renameHidden renames a hidden file to which no upload writes.
func (w Writer) renameHidden(from, to string) error {
	return w.Space.Rename(from, to, func() error { return w.Tree.Rename(from, to) })
}

// DiscardKept removes kept files of the owner for target, and reports whether there were any.
func (s *Store) DiscardKept(w Writer, target string) bool {
	if w.Owner == "" {
		return false
	}
	wasKept := s.removeHidden(w, keptName(target, w.Owner))
	return s.removeAbandoned(w, activeName(w, target)) || wasKept
}

// discardAllKept removes all kept files in the directory dir, and reports whether dir has nothing else. If it has anything
// else, including special files and active uploads, discardAllKept removes nothing.
func (s *Store) discardAllKept(w Writer, dir string) bool {
	tree := w.Tree
	names, err := namesIn(tree, dir)
	if err != nil || slices.ContainsFunc(names, func(name string) bool {
		return !partial.Is(name) || !isKept(name) && !s.isAbandoned(tree, path.Join(dir, name))
	}) {
		return false
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(order(a), order(b)) })
	for _, name := range names {
		name = path.Join(dir, name)
		if isKept(path.Base(name)) {
			s.removeHidden(w, name) // an error recurs in RemoveDir
		} else {
			s.removeAbandoned(w, name)
		}
	}
	return true
}

// order is in which order hidden files are removed: the state of a resumable upload before its bytes, because a state
// without bytes may mean that the upload is done.
func order(base string) int {
	if isState(base) {
		return 0
	}
	return 1
}

// namesIn returns the names of all entries of a directory, including those that ReadDir leaves out.
func namesIn(tree vfs.Tree, dir string) ([]string, error) {
	f, err := tree.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	for i, name := range names {
		names[i] = path.Base(name) // some file systems append a slash to names of directories
	}
	return names, err
}

// Sweep removes hidden files of uploads that were last modified before the time before: kept uploads, and those abandoned
// by a crash. It walks the whole tree until it is done or ctx ends; then it returns the error of ctx. It skips files and
// directories that it cannot read or remove.
//
// before must be earlier than the last write of every active upload. Files without a time of modification stay.
func Sweep(ctx context.Context, tree vfs.Tree, before time.Time) (removed int, err error) {
	err = tree.Walk("/", func(name string, info fs.FileInfo, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		base := path.Base(name)
		switch {
		case err != nil || !info.Mode().IsRegular() || !partial.Is(base):
		case isState(base):
			removed += sweepResumable(tree, name, info, before)
		case !isOlder(info, before):
		case isResumableBytes(base) && exists(tree, otherKind(name, bytesKind, stateKind)): // removed with its state
		case remove(tree, name) == nil:
			removed++
		}
		return nil
	})
	return removed, err
}

// rememberDone is how long Sweep leaves the state of an upload that is done, for a client that has not got the response.
const rememberDone = time.Hour

// sweepResumable removes the files of a resumable upload with that state, if it is old and its bytes are too: a request that
// takes long may be writing to them. It returns how many files it has removed.
func sweepResumable(tree vfs.Tree, state string, info fs.FileInfo, before time.Time) (removed int) {
	bytes := otherKind(state, stateKind, bytesKind)
	bytesInfo, err := tree.Lstat(bytes)
	if errors.Is(err, fs.ErrNotExist) {
		if done := time.Now().Add(-rememberDone); before.Before(done) {
			before = done
		}
	}
	if !isOlder(info, before) || err == nil && !isOlder(bytesInfo, before) {
		return 0
	}
	if tree.Remove(state) != nil {
		return 0
	}
	removed++
	if err == nil && tree.Remove(bytes) == nil {
		removed++
	}
	return removed
}

func exists(tree vfs.Tree, name string) bool {
	_, err := tree.Lstat(name)
	return err == nil
}

func isOlder(info fs.FileInfo, before time.Time) bool {
	at := info.ModTime()
	return !at.IsZero() && at.Before(before)
}
