package filecache

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/vfs"
)

// Cache keeps files open. Set the fields before the first call. The methods
// are safe for use by many goroutines at once.
type Cache struct {
	// Tree is where names are looked up. The caller closes it, after the Cache.
	Tree vfs.Tree

	// Valid is how long an entry is believed as far as other processes could have
	// changed what it says. Zero means a second, but on
	// Windows, where nobody can replace or remove a file that is open, not at
	// all. Nor does negative: then each Get opens, and nothing is kept.
	Valid time.Duration

	// MaxFiles bounds how many names are remembered, each of which has a
	// descriptor unless it leads nowhere. Zero means 4096. It is never more
	// than a quarter of the descriptors that the process may have.
	MaxFiles int

	// MaxBody is the size of the largest file whose content is kept, in bytes.
	// Zero means 32 KiB; negative means that none is.
	MaxBody int64

	// MaxMemory bounds all contents together, in bytes. Zero means 64 MiB.
	MaxMemory int64

	once   sync.Once
	now    func() time.Time
	epoch  time.Time
	valid  time.Duration
	seed   maphash.Seed
	shards []shard // a power of two
	held   holdings
	body   int64 // largest kept
	opens  atomic.Int64
	sweeps sweeper
}

const (
	defaultFiles  = 4096
	defaultBody   = 32 << 10
	defaultMemory = 64 << 20

	longestPath = 4096             // longer names are not remembered, so that their number bounds their size
	forget      = 10 * time.Second // after this long without a Get
)

// defaultValid is what zero means for Cache.Valid.
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
	c.epoch = c.now().Add(-time.Nanosecond) // so that no instant of use is 0
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

	// A shard makes room among its own, so it must not be too small for the luck
	// of the hash.
	n := 1
	for n < 16 && files/n >= 128 && memory/int64(n) >= 16*c.body {
		n *= 2
	}
	c.body = min(c.body, memory)
	c.seed = maphash.MakeSeed()
	c.held.maxFiles, c.held.maxMemory = int64(files), memory
	c.shards = make([]shard, n)
	for i := range c.shards {
		c.shards[i] = shard{entries: make(map[string]*entry), held: &c.held}
	}
}

// Get returns what path leads to, a file or a directory, as the Tree opens it
// for reading, with the same errors. The caller releases the File. When several
// ask for what is not there yet, one opens and the others wait for it, and open for
// themselves only if the answer cannot be shared.
//
// Get does not keep path.
func (c *Cache) Get(path string) (*File, error) {
	c.once.Do(c.prepare)
	if c.valid < 0 {
		return c.open(path, nil, 0)
	}
	now := c.since(c.now())
	if f, err, ok := c.recall(path, now); ok {
		return f, err
	}
	return c.fill(path)
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

// Hit returns the file that Get would, if it is at hand at the time now, and
// else nil. It opens nothing and makes at most one system call, and none if the
// File has a Body and this process has changed nothing since the last. Without
// such a change it allocates nothing. The caller releases the File.
//
// Nothing keeps path, not even an error.
func (c *Cache) Hit(path string, now time.Time) *File {
	c.once.Do(c.prepare)
	f, _, _ := c.recall(path, c.since(now))
	return f
}

// Renew returns f, which Get has returned for path, if its file is still what f.Info
// says, and else what Get returns after another look at the disk. It is for who reads
// the file rather than its Body. It takes over f.
func (c *Cache) Renew(path string, f *File) (*File, error) {
	if f.os == nil || f.isCurrentOnDisk() {
		return f, nil
	}
	c.shard(path).outdate(path, f)
	f.Release()
	return c.Get(path)
}

// recall returns what is remembered of path, if that is still true; f is nil if
// there is no such file.
func (c *Cache) recall(path string, now time.Duration) (f *File, err error, ok bool) {
	s := c.shard(path)
	generation := vfs.Generation()
	s.mu.RLock()
	f, b, err := s.entries[path].take(now, c.valid, generation)
	s.mu.RUnlock()
	switch b {
	case current:
		if f == nil || f.isCurrent() {
			return f, err, true
		}
		s.outdate(path, f)
	case doubtful:
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

// isStill reports whether path is known to mean f, or nothing if f is nil, without
// opening it. A link that leads out of the tree, which only others can make, is
// found out when the entry is no longer valid.
func (c *Cache) isStill(path string, f *File) bool {
	root, ok := c.Tree.(*vfs.Root)
	if !ok {
		return false
	}
	id, err := vfs.Identify(root, path)
	if f == nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return err == nil && f.is(id)
}

// DropIdle closes the files that nobody uses and reports whether there were
// any. It helps when descriptors run out.
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
		s.mu.Unlock()
	}
	return dropped
}

// Close forgets all files. Those still in use are closed when they are
// released. Afterwards the Cache works as if Valid were negative.
func (c *Cache) Close() error {
	c.once.Do(c.prepare)
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for _, e := range s.entries {
			s.remove(e)
		}
		s.entries = nil
		s.mu.Unlock()
	}
	c.sweeps.stop()
	return nil
}

// Stats is what a Cache holds and has done.
type Stats struct {
	Entries int   // names remembered
	Files   int   // of these, with an open descriptor
	Memory  int64 // bytes of all bodies
	Opens   int64 // times the disk was asked for a name
}

// Stats counts what there is.
func (c *Cache) Stats() Stats {
	c.once.Do(c.prepare)
	stats := Stats{Entries: int(c.held.files.Load()), Memory: c.held.memory.Load(), Opens: c.opens.Load()}
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		for _, e := range s.entries {
			if e.file != nil {
				stats.Files++
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

// fill asks the disk what path leads to, or waits for whoever does already.
func (c *Cache) fill(path string) (*File, error) {
	s := c.shard(path)
	for generation := vfs.Generation(); ; {
		f, err, ok := c.fillSince(s, path, generation)
		if ok {
			return f, err
		}
	}
}

// fillSince is fill for who must see the change that made the generation. It is not ok
// if it has waited for somebody who has asked the disk before that.
func (c *Cache) fillSince(s *shard, path string, generation uint64) (f *File, err error, ok bool) {
	s.mu.Lock()
	began := c.since(c.now())
	e := s.entries[path]
	switch f, b, err := e.take(began, c.valid, generation); { // it has come while we waited for the lock
	case b == current:
		s.mu.Unlock()
		return f, err, true
	case f != nil:
		f.Release()
	}
	if e == nil && s.entries != nil && len(path) <= longestPath {
		e = s.add(path, began)
	}
	if e == nil { // it will not be remembered
		s.mu.Unlock()
		f, err = c.open(path, nil, 0)
		return f, err, true
	}
	if l := e.load; l != nil {
		return c.await(s, l, path, generation)
	}
	l := &load{generation: vfs.Generation(), done: make(chan struct{})}
	e.load = l
	old := e.file
	if old != nil {
		old.refs.Add(1) // for Close may come meanwhile
		defer old.Release()
	}
	s.mu.Unlock()

	f, err = c.open(path, old, c.body)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.load = nil
	kept := c.keeps(f, err)
	if _, ok := c.Tree.(*vfs.Root); ok || kept {
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

// await waits for the load l of path and returns what has come of it, or what the disk says then if that is not for all.
// The caller holds the lock of s, which await gives back.
func (c *Cache) await(s *shard, l *load, path string, generation uint64) (f *File, err error, ok bool) {
	isRecent := l.generation >= generation
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

// keeps reports whether what the disk has answered may be given to the next who
// asks: files of the operating system, each of which any number of requests can
// share, and that there is none in a directory of its. Of other file systems
// each open file is for one.
func (c *Cache) keeps(f *File, err error) bool {
	if f != nil {
		return f.os != nil
	}
	_, ok := c.Tree.(*vfs.Root)
	return ok && errors.Is(err, fs.ErrNotExist)
}

// open asks the disk. The File is the caller's own, and it is old, with one
// more user, if that is still true. A content of up to body bytes is read.
func (c *Cache) open(path string, old *File, body int64) (*File, error) {
	c.opens.Add(1)
	opened, err := c.Tree.Open(path)
	if vfs.IsExhausted(err) && c.DropIdle() {
		opened, err = c.Tree.Open(path)
	}
	if err != nil {
		return nil, err
	}
	f, err := newFile(opened, old, body, c.now())
	if f == nil || f == old {
		_ = opened.Close()
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return f, nil
}
