package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"sync/atomic"
	"time"

	"sluice/internal/account"
	"sluice/internal/admin"
	"sluice/internal/durable"
	"sluice/internal/sandbox"
	"sluice/internal/vfs"
)

// servedRoot is the source that is a directory of this host. Its name is looked up again and again: it may
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

// openDirectory opens a directory.
func openDirectory(name string) (*servedRoot, error) {
	tree, err := vfs.Open(name)
	if err != nil {
		return nil, err
	}
	r := &servedRoot{name: name}
	r.current.Store(tree)
	return r, nil
}

func (r *servedRoot) root() *vfs.Root { return r.current.Load() }

// tree implements source.
func (r *servedRoot) tree() vfs.Tree { return r.root() }

// writable implements source.
func (r *servedRoot) writable(tree vfs.Tree) vfs.Tree { return tree.(*vfs.Root).Writable() }

func (r *servedRoot) dir() string { return r.root().Dir() }

// dirs implements source.
func (r *servedRoot) dirs() []string { return []string{r.dir()} }

// homes implements source.
func (r *servedRoot) homes(home string) []string {
	return []string{filepath.Join(resolved(r.dir()), filepath.FromSlash(path.Join("/", home)))}
}

// sweepInterval implements source.
func (r *servedRoot) sweepInterval() time.Duration { return 6 * time.Hour }

// pauseForHome implements source.
func (r *servedRoot) pauseForHome(string) time.Duration { return 0 }

// files implements source: a directory needs none.
func (r *servedRoot) files() []string { return nil }

// readBy implements source.
func (r *servedRoot) readBy(*sandbox.Files) {}

// confine implements source.
func (r *servedRoot) confine(p *sandbox.Plan) { p.Trees = append(p.Trees, r.name) }

// requests implements source.
func (r *servedRoot) requests() *admin.Store { return nil }

// ready implements source. Whether a file system answers shows for each mount, see package mounts.
func (r *servedRoot) ready() string { return "" }

// warn implements source.
func (r *servedRoot) warn(logger *slog.Logger, syncs bool) {
	if syncs && !durable.Supported(r.tree()) {
		logger.Warn("the file system cannot sync directories: after a power cut, the names of acknowledged uploads may be missing", "dir", r.dir())
	}
}

// close implements source.
func (r *servedRoot) close() { _ = r.root().Close() }

// update implements source. A directory that cannot be opened is logged once.
func (r *servedRoot) update(logger *slog.Logger) vfs.Tree {
	next, err := r.openChanged()
	switch {
	case err == nil:
		r.problem = ""
	case err.Error() != r.problem:
		r.problem = err.Error()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			logger.Warn("the served directory has lost its name; it is served until a new one has that name", "root", r.name)
		case vfs.IsUnavailable(err):
			logger.Warn("the file system of the served directory has gone; it is served again when it answers, or is mounted again", "root", r.name, "err", err)
		default:
			logger.Warn("the name of the served directory leads to something that cannot be opened; restart the server to serve it", "root", r.name, "err", err)
		}
	}
	if next == nil {
		return nil
	}
	r.current.Store(next)
	logger.Info("a new directory has the name of the served one, and is served now", "root", r.name)
	return next
}

// openChanged opens the directory of the name if it is not the current one.
func (r *servedRoot) openChanged() (*vfs.Root, error) {
	now, err := os.Stat(r.name)
	if err != nil {
		return nil, err
	}
	before, err := r.root().Stat("/")
	if errors.Is(err, vfs.ErrNotResponding) || err == nil && os.SameFile(before, now) {
		return nil, nil // the former: calls of before still hang, so that it is not known yet
	}
	return vfs.Open(r.name)
}

// checkAccess implements source.
func (r *servedRoot) checkAccess(u *sandbox.User, writers []account.Account) error {
	if u == nil || u.IsRoot() {
		return nil
	}
	dir, err := r.root().Open("/")
	if err != nil {
		return fmt.Errorf("user %s may not read %s; %s", u.Name, r.dir(), remedies(u, r.dir()))
	}
	_ = dir.Close()
	for _, a := range writers {
		if err := r.checkWrite(u, a); err != nil {
			return err
		}
	}
	return nil
}

// checkWrite returns an error if an account may write to its home and the process
// cannot.
func (r *servedRoot) checkWrite(u *sandbox.User, a account.Account) error {
	home := path.Join("/", a.Home)
	dir, err := r.root().Open(home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it may be created later; warnUsers logs it
	}
	if err == nil {
		defer dir.Close()
		if file, ok := vfs.OSFile(dir); ok {
			err = sandbox.MayWrite(file)
		}
	}
	if err == nil {
		return nil
	}
	place := filepath.Join(r.dir(), filepath.FromSlash(home)) // as the configuration names it
	return fmt.Errorf("%s may write to %s, but the server runs as user %s, who may not; %s", a.Name, place, u.Name, remedies(u, place))
}
