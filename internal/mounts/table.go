package mounts

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// table is the mounts of the process, as of some time. It does not change.
type table struct {
	all []*mounted // a later one hides an earlier one with the same point
}

// mounted is a Mount that is in a table.
type mounted struct {
	*Mount
	id   string // of this mount of the file system
	what FileSystem
}

// find returns the mount that path lies on, which is absolute and clean.
func (t *table) find(path string) *Mount {
	if m := t.mounted(path); m != nil {
		return m.Mount
	}
	return nil
}

func (t *table) mounted(path string) (best *mounted) {
	for _, m := range t.all {
		if lies(path, m.point) && (best == nil || len(m.point) >= len(best.point)) {
			best = m
		}
	}
	return best
}

// lies reports whether path is dir, or beneath it.
func lies(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || dir == "" || dir[len(dir)-1] == filepath.Separator || rest[0] == filepath.Separator)
}

// register keeps the table of this process up to date.
type register struct {
	source  source
	now     func() time.Duration // since some moment
	within  *atomic.Int64
	checked atomic.Int64 // now, when the source was last asked
	present atomic.Pointer[table]

	mu sync.Mutex // held while the source is asked
}

// source is where a table comes from.
type source interface {
	// changed reports whether the list may have changed since it was last read.
	changed() bool
	// read returns point and id of each mount; nil: there is no list.
	read() []entry
}

// entry is a line of the list of mounts.
type entry struct {
	point, id string
	what      FileSystem
}

const checkPeriod = time.Second

// table returns a table that is at most checkPeriod old. It never waits for another goroutine, except at the first call.
func (r *register) table() *table {
	t := r.present.Load()
	now, checked := int64(r.now()), r.checked.Load()
	if t != nil && checked != math.MinInt64 && checked <= now && now-checked < int64(checkPeriod) {
		return t
	}
	switch {
	case t == nil:
		r.mu.Lock()
	case !r.mu.TryLock():
		return t
	}
	defer r.mu.Unlock()
	r.checked.Store(now)
	if t = r.present.Load(); t == nil || r.source.changed() {
		t = r.merge(t, r.source.read())
		r.present.Store(t)
	}
	return t
}

// merge returns the table of a list, with the Mounts of the table before that are still there.
func (r *register) merge(before *table, list []entry) *table {
	type key struct{ point, id string }
	known := make(map[key]*Mount)
	if before != nil {
		for _, m := range before.all {
			known[key{m.point, m.id}] = m.Mount
		}
	}
	t := &table{}
	for _, e := range list {
		m := known[key{e.point, e.id}]
		if m == nil {
			m = &Mount{point: e.point, within: r.within}
		}
		t.all = append(t.all, &mounted{m, e.id, e.what})
	}
	return t
}

// process is the register of this process.
var process = &register{source: newSource(), now: sinceStart, within: &within}

var start = time.Now()

func sinceStart() time.Duration { return time.Since(start) }

// Tree finds the mounts of the paths beneath a directory. Its methods are safe for concurrent use.
type Tree struct {
	dir      string
	register *register
	unknown  *Mount // where there is no list

	elsewhere *Mount
	seen      atomic.Pointer[view]
}

// view is what a table has for a Tree.
type view struct {
	table   *table
	own     *Mount    // that of the directory
	beneath []beneath // the longest path first
}

type beneath struct {
	path string // relative to the directory
	*Mount
}

// Beneath returns the Tree of dir, which is absolute, clean, and has no links.
func Beneath(dir string) *Tree { return beneathBy(process, dir) }

func beneathBy(r *register, dir string) *Tree {
	t := &Tree{dir: dir, register: r, unknown: &Mount{point: dir, within: r.within}, elsewhere: &Mount{within: r.within}}
	t.Refresh() // the directory may have been mounted just now
	t.view()
	return t
}

// At returns the mount that a path lies on, which is relative to the directory and clean, with the separators of the
// system. It asks no file system, and allocates nothing unless mounts have changed.
func (t *Tree) At(path string) *Mount {
	v := t.view()
	for i := range v.beneath {
		if lies(path, v.beneath[i].path) {
			return v.beneath[i].Mount
		}
	}
	return v.own
}

func (t *Tree) view() *view {
	now := t.register.table()
	if v := t.seen.Load(); v != nil && v.table == now {
		return v
	}
	v := &view{table: now, own: now.find(t.dir)}
	if v.own == nil {
		v.own = t.unknown
	}
	prefix := strings.TrimSuffix(t.dir, string(filepath.Separator)) + string(filepath.Separator)
	for _, m := range now.all {
		if rel, ok := strings.CutPrefix(m.point, prefix); ok && rel != "" {
			v.add(beneath{rel, m.Mount})
		}
	}
	t.seen.Store(v)
	return v
}

// add adds a mount: before shorter paths, and before an earlier mount with the same path, which it hides.
func (v *view) add(b beneath) {
	i := 0
	for i < len(v.beneath) && len(v.beneath[i].path) > len(b.path) {
		i++
	}
	v.beneath = append(v.beneath, beneath{})
	copy(v.beneath[i+1:], v.beneath[i:])
	v.beneath[i] = b
}

// Busy returns the states of the mounts of this process that calls are within, or that have refused some, in the order
// in which they were mounted.
func Busy() []State { return process.busy() }

func (r *register) busy() (all []State) {
	for _, m := range r.table().all {
		if s := m.State(); s.Inside+s.Waiting > 0 || s.Refused > 0 {
			all = append(all, s)
		}
	}
	return all
}

// OfFile returns the mount of an open file. It asks no file system. nil: the system does not say.
func OfFile(f *os.File) *Mount {
	id, ok := mountID(f)
	if !ok {
		return nil
	}
	return process.table().byID(id)
}

func (t *table) byID(id string) *Mount {
	for _, m := range t.all {
		if m.id == id {
			return m.Mount
		}
	}
	return nil
}

// Of returns the mount that a path lies on, which is absolute and clean; nil if there is no list of mounts.
func Of(path string) *Mount { return process.table().find(path) }

// FileSystem says what is mounted, in the words of the system.
type FileSystem struct {
	Point   string // where
	Type    string // such as ext4, nfs4, fuse.rclone
	Source  string // such as host:/export
	Options string // of the mount and of the file system, with commas between them
}

// Describe returns what is mounted where a path lies, which is absolute and clean, as of now. It asks no file system. ok is
// false if there is no list of mounts.
func Describe(path string) (what FileSystem, ok bool) {
	process.refresh()
	m := process.table().mounted(path)
	if m == nil {
		return FileSystem{}, false
	}
	return m.what, true
}

// Under returns what is mounted beneath the directory dir, which is absolute, clean, and has no links: of several mounts at
// one point the last one, which hides the others.
func Under(dir string) (all []FileSystem) {
	process.refresh()
	return process.table().under(dir)
}

func (t *table) under(dir string) (all []FileSystem) {
	for _, m := range t.all {
		if m.point == dir || !lies(m.point, dir) || t.mounted(m.point) != m {
			continue
		}
		all = append(all, m.what)
	}
	return all
}

// Own returns the mount of the directory.
func (t *Tree) Own() *Mount { return t.view().own }

// Refresh makes the next call see mounts and unmounts of the last second too.
func (t *Tree) Refresh() { t.register.refresh() }

func (r *register) refresh() { r.checked.Store(math.MinInt64) }

// Elsewhere returns a Mount for paths that a link leads to another mount, of which nothing is known.
func (t *Tree) Elsewhere() *Mount { return t.elsewhere }

// HasBeneath reports whether there are mount points beneath the directory.
func (t *Tree) HasBeneath() bool { return len(t.view().beneath) > 0 }
