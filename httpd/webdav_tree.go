package httpd

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"sluice/internal/vfs"
)

// eachEntry calls f for the entries of a directory, links and special files too, until f returns an error. A few hundred
// of them are in memory at a time.
func eachEntry(tree vfs.Tree, dir string, f func(info fs.FileInfo) error) error {
	open, err := vfs.OpenDir(tree, dir, vfs.Everything)
	if err != nil {
		return err
	}
	defer open.Close()
	for {
		infos, err := open.Next()
		if err == io.EOF { //nolint:errorlint // the bare value, as from a Reader
			return nil
		}
		if err != nil {
			return err
		}
		for i, info := range infos {
			infos[i] = nil // f may enter a directory
			if err := f(info); err != nil {
				return err
			}
		}
	}
}

// maxLevels is how deep a directory that is copied may be. Links in file systems that this package cannot look into could
// make it endless.
const maxLevels = 200

// errNoMore is for the end of eachEntry.
var errNoMore = errors.New("no more entries are wanted")

// copyEntries copies what is in a directory and is not hidden: links to files as files, and links to directories not at
// all, because they may lead in circles.
func (ch *change) copyEntries(from, to string, failures *failures) {
	if strings.Count(to, "/") > maxLevels {
		failures.add(to, true, refuse(http.StatusForbidden, "The directory has too many levels."))
		return
	}
	err := eachEntry(ch.seen(), from, func(info fs.FileInfo) error {
		if ch.r.Context().Err() != nil || failures.isFull {
			return errNoMore
		}
		if link, ok := info.(*vfs.Link); ok {
			if info = link.End; info == nil || info.IsDir() {
				return nil
			}
		}
		copied := path.Join(to, info.Name())
		if err := ch.copyEntry(path.Join(from, info.Name()), copied, info, failures); err != nil {
			failures.add(copied, info.IsDir(), err)
		}
		return nil
	})
	if err != nil && err != errNoMore { //nolint:errorlint // it is not wrapped
		failures.add(to, true, err)
	}
}

// copyEntry copies a file, or a directory with what is in it, for which it adds failures.
func (ch *change) copyEntry(from, to string, info fs.FileInfo, failures *failures) error {
	switch {
	case ch.hides(from) || !info.IsDir() && !info.Mode().IsRegular():
		return nil
	case !ch.h.rightsAt(from).Has(Read):
		return lacks("read")
	case !ch.h.rightsAt(to).Has(Create):
		return lacks("create")
	case ch.h.rightsAt(to).IsDropBox():
		return errDropBox
	case !info.IsDir():
		return ch.copyFile(from, to, false)
	}
	err := ch.copyDir(from, to)
	if err == nil || isMade(err) {
		ch.copyEntries(from, to, failures)
	}
	return err
}

// errKeeps means that a directory has names that the client cannot see.
var errKeeps = &refusal{status: http.StatusConflict, reason: "The directory has files that you cannot see.", cause: fs.ErrPermission}

// removedAtOnce is how many entries of a directory are removed before it is read again.
const removedAtOnce = 512

// removeDir removes a directory with all that is in it. Of a directory that is above one that failed, no failure is
// added.
//
// No directory is read on when entries were removed: some file systems pass over others then, and afero's MemMapFs
// panics, and locks the directory for ever. So some entries are read, then removed, until there are no more.
func (ch *change) removeDir(name string, failures *failures) error {
	before, left := failures.n, make(map[string]bool)
	for {
		entries, isAll, err := ch.removable(name, left)
		if err != nil {
			return err
		}
		removed := 0
		for i, info := range entries {
			entries[i] = nil // what is below may have many
			switch err := ch.removeEntry(path.Join(name, info.Name()), info, failures); {
			case ch.r.Context().Err() != nil:
				return ch.r.Context().Err()
			case failures.n >= maxFailures:
				return nil
			case err != nil:
				left[info.Name()] = true
			default:
				removed++
			}
		}
		if !isAll {
			continue
		}
		if failures.n > before {
			return nil
		}
		err = uploads.RemoveDir(ch.writer(), name, ch.tree.RemoveDir)
		switch {
		case !errors.Is(err, fs.ErrExist):
			return err
		case removed == 0:
			return errKeeps // else there may be new entries
		}
	}
}

// removable returns some entries of a directory, without those that are left, and reports whether there are no more.
func (ch *change) removable(dir string, left map[string]bool) (entries []fs.FileInfo, isAll bool, err error) {
	if !ch.h.mayList(dir) {
		return nil, true, nil // as for hidden names
	}
	err = eachEntry(ch.seen(), dir, func(info fs.FileInfo) error {
		if left[info.Name()] || ch.hides(path.Join(dir, info.Name())) {
			return nil // RemoveDir removes what is left of uploads of the user, and fails because of the others
		}
		if entries = append(entries, info); len(entries) == removedAtOnce {
			return errNoMore
		}
		return nil
	})
	if err == errNoMore { //nolint:errorlint // it is not wrapped
		return entries, false, nil
	}
	return entries, true, err
}

// removeEntry removes a file, or a directory with all that is in it. If the error is not nil, something may be left; for
// which failures are added, unless it has been removed meanwhile.
func (ch *change) removeEntry(name string, info fs.FileInfo, failures *failures) (err error) {
	before := failures.n
	switch {
	case ch.r.Context().Err() != nil:
		return ch.r.Context().Err()
	case !ch.h.rightsAt(name).Has(Delete):
		err = lacks("delete")
	case info.IsDir():
		err = ch.removeDir(name, failures)
	default:
		err = uploads.Remove(ch.writer(), name, ch.tree.Remove)
	}
	switch {
	case err == nil && failures.n > before:
		err = errKeeps
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		failures.add(name, info.IsDir(), err)
	}
	return err
}

// checkRemoveTree returns the refusal if the client may not remove what is at name, with all that is in it.
func (ch *change) checkRemoveTree(name string, info fs.FileInfo) error {
	switch rights := ch.h.rightsAt(name); {
	case !rights.Has(Delete):
		return &refusal{status: http.StatusForbidden, reason: `This needs the right "delete": it replaces a directory.`, cause: fs.ErrPermission, isForRight: true}
	case !ch.h.rightsBelow(name).Has(Delete):
		return errOtherRights
	case !info.IsDir():
		return nil
	}
	if err := vfs.CheckRemovable(ch.tree, name); err != nil {
		return err
	}
	return eachEntry(ch.tree, name, func(e fs.FileInfo) error {
		below := path.Join(name, e.Name())
		if !ch.h.mayList(name) || ch.hides(below) {
			return errKeeps
		}
		return ch.checkRemoveTree(below, e)
	})
}
