// Package userfile changes a small file of secrets, such as one with the passwords of
// users, so that a crash at any moment leaves the old file or the new one.
//
//	err := userfile.Edit("/etc/sluice/users", func(old []byte, exists bool) ([]byte, error) {
//		return append(old, "alice:...\n"...), nil
//	})
//
// # Design
//
// The new content is written to a file next to the old one, synced, and renamed over
// it. That file has a fixed name and is also the lock against a concurrent Edit: an
// Edit that waited for it finds that its file now has the name of the old one, or was
// removed, and opens it again. So no third file is needed, the lock works before the
// file exists, and what a killed process has left is used by the next one. Only the
// owner can open it, so no other user can hold the lock.
package userfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maxFile bounds the size of a file.
const maxFile = 16 << 20

// Edit replaces the file name by the result of change, which gets the present content.
// If the file does not exist, exists is false; it is created for its owner only.
// Otherwise owner, group and mode stay. An error of change is returned, and the file
// is left alone. If name is a symbolic link, its target is replaced.
//
// Edit waits for others that edit the same file. It is not safe against programs that
// write to the file in another way.
func Edit(name string, change func(old []byte, exists bool) ([]byte, error)) error {
	target, err := resolve(name)
	if err != nil {
		return err
	}
	next, err := openLocked(filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+".new"))
	if err != nil {
		return fmt.Errorf("prepare the new %s: %w", name, err)
	}
	e := &edit{name: name, target: target, next: next}
	err = e.replace(change)
	if !e.renamed {
		_ = os.Remove(next.Name()) // while it is locked: afterwards it may be that of another Edit
	}
	_ = next.Close() // synced before
	return err
}

// edit is a call of Edit that has the lock.
type edit struct {
	name   string // as given
	target string // after symbolic links
	next   *os.File

	renamed bool // next has become the target
}

func (e *edit) replace(change func([]byte, bool) ([]byte, error)) error {
	old, info, err := e.read()
	if err != nil {
		return err
	}
	content, err := change(old, info != nil)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"empty", func() error { return e.next.Truncate(0) }}, // a killed process may have left something
		{"write", func() error { return e.write(content) }},
		{"keep the owner and mode of", func() error { return keepAttributes(e.next, info) }},
		{"sync", e.next.Sync},
		{"rename", e.rename},
	} {
		if err := crashPoint(step.what); err != nil {
			return err
		}
		if err := step.do(); err != nil {
			return fmt.Errorf("%s the new %s, which stays as it was: %w", step.what, e.name, err)
		}
	}
	if err := errors.Join(crashPoint("sync the directory"), syncDir(filepath.Dir(e.target))); err != nil {
		return fmt.Errorf("%s was changed, but may be the old one after a power cut: %w", e.name, err)
	}
	return nil
}

// read returns the present content; info is nil if there is no file.
func (e *edit) read() (content []byte, info fs.FileInfo, err error) {
	f, err := os.Open(e.target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is not a regular file", e.name)
	}
	content, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("%s is too large", e.name)
	}
	return content, info, err
}

func (e *edit) rename() error {
	err := rename(e.next, e.target)
	e.renamed = err == nil
	return err
}

// write writes in pieces, so that tests can end it between them.
func (e *edit) write(content []byte) error {
	const piece = 4 << 10
	if _, err := e.next.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for len(content) > 0 {
		n := min(piece, len(content))
		if _, err := e.next.Write(content[:n]); err != nil {
			return err
		}
		if err := crashPoint("write more of"); err != nil {
			return err
		}
		content = content[n:]
	}
	return nil
}

// crashPoint is called before each step; tests make it fail, or kill the process.
var crashPoint = func(step string) error { return nil }

// resolve follows symbolic links. The file itself need not exist.
func resolve(name string) (string, error) {
	target, err := filepath.EvalSymlinks(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return target, err
	}
	if _, err := os.Lstat(name); err == nil {
		return "", fmt.Errorf("%s is a symbolic link to a file that does not exist", name)
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return "", fmt.Errorf("the directory of %s: %w", name, err)
	}
	return filepath.Join(dir, filepath.Base(name)), nil
}

// openLocked opens or creates a file that nobody else edits.
func openLocked(name string) (*os.File, error) {
	for begin := time.Now(); ; {
		f, err := openNext(name)
		switch {
		case errors.Is(err, fs.ErrPermission) && isAbandoned(name):
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			continue
		case errors.Is(err, fs.ErrPermission) && time.Since(begin) < otherUser:
			time.Sleep(otherUser / 100)
			continue
		case err != nil:
			return nil, err
		}
		usable, err := claim(f)
		if err == nil && usable {
			return f, nil
		}
		_ = f.Close()
		if err != nil {
			return nil, err
		}
	}
}

const (
	// otherUser is how long an Edit of another user, such as root, is waited for: its lock
	// cannot be. abandoned is after what time without a change no Edit is at work.
	otherUser = time.Second
	abandoned = time.Minute
)

// isAbandoned reports whether a process was killed long ago that had prepared a file.
func isAbandoned(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && time.Since(info.ModTime()) > abandoned
}

// claim waits for the lock of f. usable is false if another Edit has renamed or removed
// f meanwhile, or if f was removed because it belongs to another user.
func claim(f *os.File) (usable bool, err error) {
	if err := lock(f); err != nil {
		return false, fmt.Errorf("lock: %w", err)
	}
	opened, err1 := f.Stat()
	named, err2 := os.Lstat(f.Name())
	switch err := errors.Join(err1, err2); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !os.SameFile(opened, named):
		return false, nil
	case !opened.Mode().IsRegular():
		return false, fmt.Errorf("%s is in the way; remove it", f.Name())
	case isOwn(opened):
		return true, makePrivate(f)
	}
	// It was prepared by another user, or a process was killed that had given it the
	// owner of the target.
	return false, os.Remove(f.Name())
}
