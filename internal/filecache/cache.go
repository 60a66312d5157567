package filecache

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// Cache keeps files open. Set the fields before the first call. The methods
// are safe for use by many goroutines at once.
type Cache struct {
	// Tree has the files. The caller closes it, after the Cache.
	Tree vfs.Tree

	// Valid is how long an entry is valid, if this process changes nothing: other
	// processes may. Zero means a second, but no time on Windows, where nobody can
	// replace or remove an open file. If it is no time, or negative, each Get opens the
	// file, and nothing is kept.
	Valid time.Duration

	// MaxFiles bounds the number of entries, each of which has a descriptor unless its
	// name does not exist. Zero means 4096. It is never more than a quarter of the
	// descriptors that the process may have.
	MaxFiles int

	// MaxBody is the size of the largest file whose content is kept, in bytes.
	// Zero means 32 KiB; negative means none.
	MaxBody int64

	// MaxMemory bounds all contents together, in bytes. Zero means 64 MiB.
	MaxMemory int64

	// Budget, if not nil, holds the bounds of MaxFiles and MaxMemory for all Caches that
	// share it together. Those of the Cache that is used first count.
	Budget *Budget

	once   sync.Once
	now    func() time.Time
	epoch  time.Time
	valid  time.Duration
	seed   maphash.Seed
	shards []shard // a power of two
	held   *Budget
	body   int64 // largest kept
	opens  atomic.Int64
	sweeps sweeper
}

const (
	defaultFiles  = 4096
	defaultBody   = 32 << 10
	defaultMemory = 64 << 20

	longestPath = 4096             // longer names are not kept, so that MaxFiles bounds their memory
	forget      = 10 * time.Second // entries that were not used for so long are removed

	maxWaiters = 64              // for a file whose opening
	hangAfter  = 5 * time.Second // has taken so long; further ones are refused
)

// defaultValid returns the meaning of zero for Cache.Valid.
func defaultValid() time.Duration {
	if runtime.GOOS == "windows" {
		return -1
	}
	return time.Second
}

func (c *Cache) prepare() {
	if c.now == nil {
		c.now = time.Now
	}
	c.epoch = c.now().Add(-time.Nanosecond) // so that no time of use is 0
	c.valid = c.Valid
	if c.valid == 0 {
		c.valid = defaultValid()
	}
	files := c.MaxFiles
	if files <= 0 {
		files = defaultFiles
	}
	if most, ok := descriptorLimit(); ok {
		files = min(files, max(most/4, 1))
	}
	memory := c.MaxMemory
	if memory <= 0 {
		memory = defaultMemory
	}
	c.body = c.MaxBody
	if c.body == 0 {
		c.body = defaultBody
	}

	// A shard evicts only its own entries, so it must be large enough for an uneven
	// hash.
	n := 1
	for n < 16 && files/n >= 128 && memory/int64(n) >= 16*c.body {
		n *= 2
	}
	c.body = min(c.body, memory)
	c.seed = maphash.MakeSeed()
	if c.held = c.Budget; c.held == nil {
		c.held = new(Budget)
	}
	c.held.once.Do(func() { c.held.maxFiles, c.held.maxMemory = int64(files), memory })
	c.shards = make([]shard, n)
	for i := range c.shards {
		c.shards[i] = shard{entries: make(map[string]*entry), held: c.held}
	}
}

// Get returns the file or directory at path, as the Tree opens it for reading, with
// the same errors. The caller releases the File. If several goroutines get a path
// that is not in the cache, one opens it and the others wait; they open it themselves
// only if the result cannot be shared.
//
// The cache keeps path.
func (c *Cache) Get(path string) (*File, error) {
	c.once.Do(c.prepare)
	if c.valid < 0 {
		return c.open(path, nil, 0)
	}
	now := c.since(c.now())
	if f, err, ok := c.recall(path, now, mayWait); ok {
		return f, err
	}
	return c.fill(path)
}

// GetToRead is Get for a caller that will read the content from its beginning, unless it is a directory. It opens the file
// by vfs.OpenToRead, for this caller alone.
func (c *Cache) GetToRead(path string) (*File, error) {
	c.once.Do(c.prepare)
	return c.openBy(vfs.OpenToRead, path, nil, 0)
}

// Load is Get for a caller that has just called Hit for the same path in vain: it
// does not look for the entry a second time.
func (c *Cache) Load(path string) (*File, error) {
	c.once.Do(c.prepare)
	if c.valid < 0 {
		return c.open(path, nil, 0)
	}
	return c.fill(path)
}

// Hit returns the file that Get would return, if it is in the cache and valid at the
// time now, and else nil. It opens nothing and makes at most one system call, and none
// if the File has a Body and this process has changed nothing since the last Hit.
// Without such a change it allocates nothing. The caller releases the File.
//
// Hit does not keep path.
func (c *Cache) Hit(path string, now time.Time) *File {
	c.once.Do(c.prepare)
	f, _, _ := c.recall(path, c.since(now), mayWait)
	return f
}

// ErrWouldWait means that the cache does not know the file at a path without waiting for it.
var ErrWouldWait = errors.New("not known without waiting")

// Cached returns what Get would return, if it is in the cache, is valid at the time now, and no call that may hang is
// needed to know that: a file without Body, and after a change by this process every file, is compared only if its
// Residence is local. Otherwise the error is ErrWouldWait. Apart from that it behaves as Hit.
//
// After a change the name of a local file is looked up again. That waits if a link leads to the file from a directory
// that is not local.
func (c *Cache) Cached(path string, now time.Time) (*File, error) {
	c.once.Do(c.prepare)
	f, err, ok := c.recall(path, c.since(now), mustNotWait)
	if !ok {
		return nil, ErrWouldWait
	}
	return f, err
}

// Renew returns f, which Get has returned for path, if its file still matches f.Info.
// Otherwise it opens the path again and returns the result. It is for callers that
// read the file rather than its Body. It takes over f.
func (c *Cache) Renew(path string, f *File) (*File, error) {
	if f.os == nil || f.isCurrentOnDisk() {
		return f, nil
	}
	c.shard(path).outdate(path, f)
	f.Release()
	return c.Get(path)
}

// waiting says whether a file system that may hang can be asked.
type waiting bool

const (
	mayWait     waiting = true
	mustNotWait waiting = false
)

// recall returns the entry of path, if it is valid; f is nil if there is no such file,
// and err says so.
func (c *Cache) recall(path string, now time.Duration, w waiting) (f *File, err error, ok bool) {
	s := c.shard(path)
	generation := vfs.Generation()
	s.mu.RLock()
	f, v, err := s.entries[path].take(now, c.valid, generation)
	s.mu.RUnlock()
	canAsk := w == mayWait || f != nil && f.Residence.IsLocal()
	switch {
	case v == current && (f == nil || f.Body != nil):
		return f, err, true
	case v == current && canAsk:
		if f.isCurrentOnDisk() {
			return f, err, true
		}
		s.outdate(path, f)
	case v == doubtful && canAsk:
		if c.isStill(path, f) {
			s.confirm(path, f, generation)
			return f, err, true
		}
	}
	if f != nil {
		f.Release()
	}
	return nil, nil, false
}

// isStill reports whether path is known to mean f still, or still no file if f is nil,
// without opening it. A link that leads out of the tree is found when the entry is no
// longer valid: only other processes can make one.
func (c *Cache) isStill(path string, f *File) bool {
	root, name, ok := vfs.RootOf(c.Tree, path)
	if !ok {
		return false
	}
	id, err := vfs.Identify(root, name)
	if f == nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return err == nil && f.is(id) && (f.cannotFail() || f.isCurrentOnDisk())
}

// DropIdle closes the files that nobody uses and reports whether there were any. It
// is for when the process has no more descriptors.
func (c *Cache) DropIdle() bool {
	c.once.Do(c.prepare)
	dropped := false
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for _, e := range s.entries {
			if e.load == nil && e.file.isIdle() {
				s.remove(e)
				dropped = true
			}
		}
		s.unlock()
	}
	return dropped
}

// Close removes all entries. Files in use are closed when they are released.
// Afterwards the Cache works as if Valid were negative.
func (c *Cache) Close() error {
	c.once.Do(c.prepare)
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for _, e := range s.entries {
			s.remove(e)
		}
		s.entries = nil
		s.unlock()
	}
	c.sweeps.stop()
	return nil
}

// Stats describes the content of a Cache.
type Stats struct {
	Entries int   // number of names
	Files   int   // number of names with an open descriptor
	Memory  int64 // bytes of all bodies
	Opens   int64 // how often a name was opened so far
}

// Stats describes the content of the cache.
func (c *Cache) Stats() Stats {
	c.once.Do(c.prepare)
	stats := Stats{Opens: c.opens.Load()}
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		stats.Entries += len(s.entries)
		for _, e := range s.entries {
			if e.file != nil {
				stats.Files++
				stats.Memory += int64(len(e.file.Body))
			}
		}
		s.mu.RUnlock()
	}
	return stats
}

func (c *Cache) shard(path string) *shard {
	return &c.shards[maphash.String(c.seed, path)&uint64(len(c.shards)-1)]
}

func (c *Cache) since(t time.Time) time.Duration { return t.Sub(c.epoch) }

// fill opens path, or waits for another goroutine that does so already.
func (c *Cache) fill(path string) (*File, error) {
	s := c.shard(path)
	for generation := vfs.Generation(); ; {
		f, err, ok := c.fillSince(s, path, generation)
		if ok {
			return f, err
		}
	}
}

// fillSince is fill for a caller that must see the change that made the generation. It
// is not ok if it has waited for a goroutine that has opened the path before that.
func (c *Cache) fillSince(s *shard, path string, generation uint64) (f *File, err error, ok bool) {
	s.mu.Lock()
	began := c.since(c.now())
	e := s.entries[path]
	switch f, v, err := e.take(began, c.valid, generation); { // another goroutine may have filled it meanwhile
	case v == current:
		s.unlock()
		return f, err, true
	case f != nil:
		f.Release()
	}
	if e == nil && s.entries != nil && len(path) <= longestPath {
		e = s.add(path, began)
	}
	if e == nil { // there is no room
		s.unlock()
		f, err = c.open(path, nil, 0)
		return f, err, true
	}
	if l := e.load; l != nil {
		return c.await(s, l, path, generation)
	}
	l := &load{generation: vfs.Generation(), began: began, done: make(chan struct{})}
	e.load = l
	old := e.file
	if old != nil {
		old.refs.Add(1) // Close may be called meanwhile
		defer old.Release()
	}
	s.unlock()

	f, err = c.open(path, old, c.body)
	s.mu.Lock()
	defer s.unlock()
	e.load = nil
	kept := c.keeps(path, f, err)
	if _, _, ok := vfs.RootOf(c.Tree, path); ok || kept {
		l.file, l.err = f, err
	}
	if l.file != nil {
		f.refs.Add(l.waiters)
	}
	close(l.done)
	switch {
	case s.entries[e.path] != e: // closed
	case !kept:
		s.remove(e)
	default:
		s.set(e, f, err, began, l.generation)
		c.sweeps.start(c)
	}
	return f, err, true
}

// await waits for the load l of path and returns its result, or opens path itself if that cannot be shared. The caller
// holds the lock of s, which await unlocks.
func (c *Cache) await(s *shard, l *load, path string, generation uint64) (f *File, err error, ok bool) {
	isRecent := l.generation >= generation
	if l.waiters >= maxWaiters && c.since(c.now())-l.began > hangAfter {
		s.mu.Unlock()
		return nil, &fs.PathError{Op: "open", Path: path, Err: vfs.ErrNotResponding}, true
	}
	if isRecent {
		l.waiters++
	}
	s.mu.Unlock()
	<-l.done
	switch {
	case !isRecent:
		return nil, nil, false
	case l.file == nil && l.err == nil:
		f, err = c.open(path, nil, 0)
		return f, err, true
	}
	return l.file, l.err, true
}

// keeps reports whether the result of opening a path may be kept: a file of the
// operating system, which any number of callers can share, or that there is no file in
// a Root.
func (c *Cache) keeps(path string, f *File, err error) bool {
	if f != nil {
		return f.os != nil
	}
	_, _, ok := vfs.RootOf(c.Tree, path)
	return ok && errors.Is(err, fs.ErrNotExist)
}

// open opens path. The caller owns the File. It is old, with one more user, if old is
// still the file at path. A content of up to body bytes is read.
func (c *Cache) open(path string, old *File, body int64) (*File, error) {
	return c.openBy(vfs.Tree.Open, path, old, body)
}

// openBy is open with another method of the Tree than Open.
func (c *Cache) openBy(method func(vfs.Tree, string) (afero.File, error), path string, old *File, body int64) (*File, error) {
	c.opens.Add(1)
	opened, err := method(c.Tree, path)
	if vfs.IsExhausted(err) && c.DropIdle() {
		opened, err = method(c.Tree, path)
	}
	if err != nil {
		return nil, err
	}
	m := vfs.MountOf(c.Tree, path)
	f, err := newFile(opened, m, old, body, c.now())
	if f == nil || f == old {
		m.Close(opened)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return f, nil
}
