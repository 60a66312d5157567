package quota

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/keylock"
	"sluice/internal/vfs"
)

// Volume is a file system with the counts of the homes in it. It is safe for concurrent use. Changes of a file system are
// counted only if all writers have a Space of the same Volume.
type Volume struct {
	// OnRefusal, if not nil, is called for each change that was refused, with the text of its Reason. Set it before the
	// Volume is used.
	OnRefusal func(reason string)

	places  keylock.Locks // of what is counted and changed
	tree    vfs.Tree
	reserve Reserve
	disks   disks
	closed  atomic.Bool
	wait    time.Duration // for the first count

	mu      sync.Mutex       // guards the fields below, and those of homes and holds
	homes   map[string]*home // with a limit, by their path in the tree, without links
	spaces  map[spaceKey]*Space
	active  map[*Hold]struct{}
	holds   map[string]*Hold // of active, by the path of the file that they write to
	credits map[string]*Hold // of active, by the path of the file that they replace
	queue   []*home          // to be counted
	working bool             // whether a goroutine counts them
}

// home is a directory whose content is counted.
type home struct {
	path    string
	total   amount // in the tree, and what the holds have reserved
	credit  amount // of it, what the uploads under way will replace
	changes uint64 // counts the changes of total that are not those of a Hold under way
	busy    int    // changes of the tree that are being made
	counted bool
	spoiled bool          // total may be wrong, because changes have overlapped
	ready   chan struct{} // closed when counted is set
}

// amount is a number of bytes and of names.
type amount struct{ bytes, files int64 }

func (a amount) plus(b amount) amount  { return amount{a.bytes + b.bytes, a.files + b.files} }
func (a amount) minus(b amount) amount { return amount{a.bytes - b.bytes, a.files - b.files} }

// New returns a Volume of fsys. The caller closes it before fsys.
func New(fsys afero.Fs, reserve Reserve) *Volume {
	return &Volume{
		tree: vfs.Of(fsys), reserve: reserve, wait: 10 * time.Second,
		homes: make(map[string]*home), spaces: make(map[spaceKey]*Space),
		active: make(map[*Hold]struct{}), holds: make(map[string]*Hold), credits: make(map[string]*Hold),
	}
}

// Close ends the counting of homes. Changes are still bounded by the last counts. Call it before the file system is closed.
func (v *Volume) Close() {
	if v != nil {
		v.closed.Store(true)
	}
}

// Space is what one user may write to, and how much. Its methods take paths of the user's tree. Nil bounds nothing.
type Space struct {
	volume *Volume
	base   string // the path of the user's tree in that of the volume
	home   *home  // nil: there is no limit
	limit  Limit
}

type spaceKey struct {
	base  string
	limit Limit
}

// SpaceIn returns the space of a user whose tree is the directory dir of the volume, "" for all of it. The same arguments
// give the same Space. If v is nil, it is nil.
func SpaceIn(v *Volume, dir string, limit Limit) *Space {
	if v == nil {
		return nil
	}
	base := path.Clean("/" + dir)
	v.mu.Lock()
	needsPath := len(v.homes) > 0 || limit.NeedsCount()
	v.mu.Unlock()
	if needsPath {
		base = v.resolve(base)
	}
	key := spaceKey{base, limit}
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.spaces[key]; s != nil {
		return s
	}
	s := &Space{volume: v, base: base, limit: limit}
	if limit.NeedsCount() {
		if s.home = v.homes[base]; s.home == nil {
			s.home = &home{path: base, ready: make(chan struct{})}
			v.homes[base] = s.home
			v.countLocked(s.home)
		}
	}
	v.spaces[key] = s
	return s
}

// Recount counts all homes again, in the background, to see changes by other programs.
func (v *Volume) Recount() {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, h := range v.homes {
		v.countLocked(h)
	}
}

// resolve returns the path of name without links. The rest of a name that does not exist stays as it is.
func (v *Volume) resolve(name string) string {
	todo, at := strings.Split(strings.Trim(name, "/"), "/"), "/"
	for links := 0; len(todo) > 0 && name != "/"; {
		next := path.Join(at, todo[0])
		todo = todo[1:]
		info, err := v.tree.Entry(next)
		link, isLink := info.(*vfs.Link)
		switch {
		case err != nil:
			return path.Join(append([]string{next}, todo...)...)
		case isLink && link.Target != "" && links < 40: // as many as Linux follows
			links++
			todo = append(strings.Split(link.Target, "/"), todo...)
		default:
			at = next
		}
	}
	return at
}

// above returns the homes that contain the file at, a result of place.
func (v *Volume) above(at string) (all []*home) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.aboveLocked(at)
}

func (v *Volume) aboveLocked(at string) (all []*home) {
	if len(v.homes) == 0 {
		return nil
	}
	for at != "/" {
		at = path.Dir(at)
		if h := v.homes[at]; h != nil {
			all = append(all, h)
		}
	}
	return all
}

// addLocked adds to the homes above a file. isChange is false for a Hold under way.
func addLocked(homes []*home, n amount, isChange bool) {
	for _, h := range homes {
		h.total = h.total.plus(n)
		if isChange {
			h.changes++
		}
	}
}

// refused reports an Error to OnRefusal, unless it has been reported.
func (v *Volume) refused(err *Error) *Error {
	if v.OnRefusal != nil && !err.reported {
		err.reported = true
		v.OnRefusal(err.Reason.String())
	}
	return err
}

// amountOf returns what a file itself counts for.
func amountOf(info fs.FileInfo) amount {
	if info.Mode().IsRegular() {
		return amount{info.Size(), 1}
	}
	return amount{0, 1}
}

// amountAt returns what is counted for the file at, but nothing for one that a Hold counts. With deep it includes the
// files below a directory.
func (v *Volume) amountAt(at string, deep bool) amount {
	v.mu.Lock()
	isHeld := v.holds[at] != nil
	v.mu.Unlock()
	info, err := v.tree.Lstat(at)
	if isHeld || err != nil {
		return amount{}
	}
	all := amountOf(info)
	if deep && info.IsDir() {
		below, _ := v.walk(at)
		all = all.plus(below)
	}
	return all
}

// walk returns the amount below the directory dir, without the files that a Hold counts.
func (v *Volume) walk(dir string) (all amount, err error) {
	if v.closed.Load() {
		return amount{}, fs.ErrClosed
	}
	entries, err := v.tree.Entries(dir)
	if err != nil {
		return amount{}, err
	}
	var dirs []string
	v.mu.Lock()
	for _, info := range entries {
		at := path.Join(dir, info.Name())
		if info.IsDir() {
			dirs = append(dirs, at)
		}
		if v.holds[at] == nil {
			all = all.plus(amountOf(info))
		}
	}
	v.mu.Unlock()
	entries = nil
	for _, at := range dirs {
		below, err := v.walk(at)
		if errors.Is(err, fs.ErrClosed) {
			return amount{}, err
		}
		all = all.plus(below) // an unreadable directory has nothing that can be counted
	}
	return all, nil
}

// countLocked has a home counted in the background.
func (v *Volume) countLocked(h *home) {
	if v.closed.Load() || slices.Contains(v.queue, h) {
		return
	}
	v.queue = append(v.queue, h)
	if !v.working {
		v.working = true
		go v.work()
	}
}

// work counts the homes of the queue, one after the other.
func (v *Volume) work() {
	for {
		v.mu.Lock()
		if len(v.queue) == 0 || v.closed.Load() {
			v.working = false
			v.mu.Unlock()
			return
		}
		h := v.queue[0]
		v.queue = v.queue[1:]
		v.mu.Unlock()
		isDone := false
		begun := time.Now()
		for try := 1; try <= maxTries && !isDone; try++ {
			isDone = v.count(h, try == maxTries)
		}
		if v.mu.Lock(); !isDone && h.spoiled {
			time.AfterFunc(max(time.Second, 10*time.Since(begun)), func() {
				v.mu.Lock()
				defer v.mu.Unlock()
				v.countLocked(h)
			})
		}
		v.mu.Unlock()
	}
}

// maxTries is how often a home is walked to find it unchanged.
const maxTries = 3

// count walks a home, and reports whether it has a number that no change has spoiled. If isLast is set, a first count is
// used in any case.
func (v *Volume) count(h *home, isLast bool) (done bool) {
	v.mu.Lock()
	before, isBusy := h.changes, h.busy > 0
	v.mu.Unlock()
	found, err := v.walk(h.path)
	if errors.Is(err, fs.ErrClosed) {
		return true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil && !errors.Is(err, fs.ErrNotExist) && h.counted {
		return true // the old number is better
	}
	isSpoiled := isBusy || h.busy > 0 || h.changes != before
	for hold := range v.active {
		if slices.Contains(hold.homes, h) {
			found = found.plus(hold.counted)
			isSpoiled = isSpoiled || hold.path == "" // its file may have been found too
		}
	}
	if isSpoiled && (h.counted || !isLast) {
		return false
	}
	h.total, h.spoiled = found, isSpoiled
	if !h.counted {
		h.counted = true
		close(h.ready)
	}
	return true
}
