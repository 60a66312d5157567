package daemon

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"sluice/internal/vfs"
)

// servedRoot is the served directory. Its name is looked up again and again: it may
// lead to another directory after a symbolic link was switched, after rm and
// mkdir, or after a mount.
//
// A replaced tree is not closed, because sessions and transfers still use it; the
// garbage collector closes its descriptors.
type servedRoot struct {
	name    string
	current atomic.Pointer[vfs.Root]
	problem string // logged last; "": none
}

// lookupInterval is how often the name is looked up.
const lookupInterval = 500 * time.Millisecond

// open opens the directory.
func (r *servedRoot) open(name string) error {
	tree, err := vfs.Open(name)
	if err != nil {
		return err
	}
	r.name = name
	r.current.Store(tree)
	return nil
}

// tree returns the directory as of now. The caller may keep it.
func (r *servedRoot) tree() *vfs.Root { return r.current.Load() }

// update looks the name up and returns the tree if it leads to another directory
// now, else nil. A directory that cannot be opened is logged once. It is for one
// goroutine.
func (r *servedRoot) update(logger *slog.Logger) *vfs.Root {
	next, err := r.openChanged()
	switch {
	case err == nil:
		r.problem = ""
	case err.Error() != r.problem:
		r.problem = err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			logger.Warn("the served directory has lost its name; it is served until a new one has that name", "root", r.name)
		} else {
			logger.Warn("the name of the served directory leads to something that cannot be opened; restart the server to serve it", "root", r.name, "err", err)
		}
	}
	if next != nil {
		r.current.Store(next)
		logger.Info("a new directory has the name of the served one, and is served now", "root", r.name)
	}
	return next
}

// openChanged opens the directory of the name if it is not the current one.
func (r *servedRoot) openChanged() (*vfs.Root, error) {
	now, err := os.Stat(r.name)
	if err != nil {
		return nil, err
	}
	if before, err := r.tree().Stat("/"); err == nil && os.SameFile(before, now) {
		return nil, nil
	}
	return vfs.Open(r.name)
}

// followRoot looks the root up regularly until ctx ends, and the guest's home too,
// which may have been missing. New FTP logins get the new root.
func (d *daemon) followRoot(ctx context.Context) {
	ticks := time.NewTicker(lookupInterval)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		if d.root.update(d.logger) != nil {
			d.countHomes()
		}
		d.updatePages()
	}
}
