package upload

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/partial"
	"sluice/internal/vfs"
)

// Kept describes what the owner's last upload to target has left, be it that it broke off or that a crash has ended it.
// The error is fs.ErrNotExist if that is nothing, and while an upload of the owner to target is under way.
func (s *Store) Kept(w Writer, target string) (fs.FileInfo, error) {
	_, info, err := s.kept(w, target)
	return info, err
}

// kept is Kept, and returns the name of the hidden file too.
func (s *Store) kept(w Writer, target string) (name string, info fs.FileInfo, err error) {
	if w.Owner == "" {
		return "", nil, fs.ErrNotExist
	}
	name = keptName(target, w.Owner)
	if info, err = w.Tree.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return name, info, err
	}
	name = writtenName(target, w.Owner)
	info, err = w.Tree.Stat(name)
	if err == nil && (info.Size() == 0 || !s.isDead(w.Tree, name)) {
		err = fs.ErrNotExist
	}
	return name, info, err
}

// resumable returns where what the owner knows to be kept is, and how much that is; "": nowhere.
func (s *Store) resumable(t Target) (name string, size int64) {
	if t.Resume == 0 {
		return "", 0
	}
	name, info, err := s.kept(t.Writer, t.Name)
	if err != nil || info.Size() != t.Resume {
		return "", 0
	}
	return name, t.Resume
}

// takeKept opens what is kept under that name and cuts it at size. Of two who want it one comes too late.
func (s *Store) takeKept(t Target, kept string, size int64) (p part, f afero.File, err error) {
	if kept != keptName(t.Name, t.Owner) { // a crash has left it under the name that it needs
		p, f, err = s.takeDead(t.Tree, kept)
	} else {
		p, f, err = s.newPart(t, func(name string) (afero.File, error) {
			if _, err := t.Tree.Lstat(name); err == nil {
				return nil, fs.ErrExist
			}
			if err := t.Tree.Rename(kept, name); err != nil {
				return nil, err
			}
			f, err := t.Tree.OpenFile(name, os.O_WRONLY, 0)
			if err != nil {
				_ = t.Tree.Rename(name, kept)
			}
			return f, err
		})
	}
	if err != nil {
		return part{}, nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() < size {
		err = ErrOffset // to cut it would lengthen it
	}
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		_ = f.Close() // nothing was written to it
		_ = t.Tree.Rename(p.name, keptName(t.Name, t.Owner))
		p.release()
		return part{}, nil, err
	}
	return p, f, nil
}

// DiscardKept removes what the owner's uploads to target have left, and reports whether there was anything.
func (s *Store) DiscardKept(w Writer, target string) bool {
	if w.Owner == "" {
		return false
	}
	had := w.Tree.Remove(keptName(target, w.Owner)) == nil
	return s.removeDead(w.Tree, writtenName(target, w.Owner)) || had
}

// DiscardAllKept removes what uploads have left in the directory dir, and reports whether nothing else is in it. If there is
// anything else, be it something that clients do not see or an upload under way, it removes nothing.
func (s *Store) DiscardAllKept(tree vfs.Tree, dir string) bool {
	names, err := namesIn(tree, dir)
	if err != nil || slices.ContainsFunc(names, func(name string) bool {
		return !partial.Is(name) || !isKept(name) && !s.isDead(tree, path.Join(dir, name))
	}) {
		return false
	}
	for _, name := range names {
		name = path.Join(dir, name)
		if isKept(path.Base(name)) {
			_ = tree.Remove(name) // RemoveDir tells
		} else {
			s.removeDead(tree, name)
		}
	}
	return true
}

// namesIn returns the names of all that is in a directory, also of what ReadDir leaves out.
func namesIn(tree vfs.Tree, dir string) ([]string, error) {
	f, err := tree.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	for i, name := range names {
		names[i] = path.Base(name) // some file systems give directories with a slash behind
	}
	return names, err
}

// Sweep removes from a tree what uploads have left that nobody has written to since the time before: those that broke
// off, and those that a crash has ended. It walks the whole tree, and blocks until it is through or ctx ends, whose
// error it returns then. What cannot be read or removed is passed over.
//
// An upload under way must have been written to since then. Files without a time stay: nobody knows how old they are.
func Sweep(ctx context.Context, tree vfs.Tree, before time.Time) (removed int, err error) {
	err = tree.Walk("/", func(name string, info fs.FileInfo, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && info.Mode().IsRegular() && partial.Is(path.Base(name)) && isOlder(info, before) && remove(tree, name) == nil {
			removed++
		}
		return nil
	})
	return removed, err
}

func isOlder(info fs.FileInfo, before time.Time) bool {
	at := info.ModTime()
	return !at.IsZero() && at.Before(before)
}
