package s3fs

import (
	"container/list"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Cache keeps whole objects as files of a local disk, from where they are sent without being copied. See "Cache" in the
// documentation of the package. Its methods are safe for concurrent use. Several FS can share one.
type Cache struct {
	// OnError, if not nil, is called when the disk fails: it is full, or refuses to be written to. Objects come from the
	// store then, and after a minute the disk is tried again. OnError is called again only if it has worked meanwhile.
	// Set it before the Cache is used.
	OnError func(error)

	dir    string
	root   *os.Root
	unlock func()
	max    int64 // bytes of all files

	filling sync.WaitGroup // the goroutines of fills

	mu      sync.Mutex // guards the fields below
	used    int64      // bytes of the files of objects, and those set aside for fills
	aside   int64      // the latter
	objects map[cacheID]*list.Element
	recent  list.List // of *cached; the last one was opened longest ago
	fills   map[cacheID]*fill
	next    uint64    // the number of the next file
	failed  time.Time // when the disk failed; zero: it works
	closed  bool
	stats   CacheStats
}

const (
	maxShare     = 4             // an object larger than this part of the cache is not kept
	maxCached    = 1 << 20       // objects, each of which takes about 250 bytes of memory
	maxFills     = 256           // at a time, each of which takes 128 KiB of memory; further objects are not kept
	blockSize    = 4 << 10       // files take whole blocks
	retryDisk    = time.Minute   // after it has failed
	cachedPrefix = "object-"     // whole: object-ID-SIZE-NUMBER
	filledPrefix = "unfinished-" // being filled: unfinished-NUMBER
	lockName     = "lock"        // locked as long as the Cache is open
	openToOthers = fs.FileMode(077)
)

// cacheID identifies a version of an object of a store.
type cacheID [32]byte

// cached is a whole object in the cache.
type cached struct {
	id     cacheID
	size   int64
	number uint64
}

func (e *cached) name() string {
	return cachedPrefix + hex.EncodeToString(e.id[:]) + "-" + strconv.FormatInt(e.size, 10) + "-" + strconv.FormatUint(e.number, 10)
}

// parseCached is the inverse of name.
func parseCached(name string) (*cached, bool) {
	parts := strings.Split(strings.TrimPrefix(name, cachedPrefix), "-")
	if len(parts) != 3 {
		return nil, false
	}
	id, err := hex.DecodeString(parts[0])
	size, err2 := strconv.ParseInt(parts[1], 10, 64)
	number, err3 := strconv.ParseUint(parts[2], 10, 64)
	if errors.Join(err, err2, err3) != nil || len(id) != len(cacheID{}) {
		return nil, false
	}
	e := &cached{cacheID(id), size, number}
	return e, e.name() == name
}

// CacheStats describes what a Cache has and has done.
type CacheStats struct {
	Files     int   // whole objects
	Size      int64 // bytes of these, in whole blocks, and of those set aside for objects on their way
	MaxSize   int64
	Hits      int64 // files that were opened and were in the cache
	Misses    int64 // files that were opened and were not, although they could have been
	Fills     int64 // objects that have got into the cache
	Fetched   int64 // bytes that came from the store for the cache
	Evictions int64 // objects that were removed for others
	Failures  int64 // errors of the disk
}

// ErrCacheInUse means that another process has the directory of a cache.
var ErrCacheInUse = errors.New("another process uses this cache")

// OpenCache opens the cache in the directory dir, of up to size bytes. A missing directory is made, in an existing one.
// It must be for its owner only, because the files of all users are in it. The caller closes the Cache after all FS that
// use it.
//
// Objects of an earlier process are used; the first that give way are those that came first. The remains of one that was
// killed are removed, and other files are left alone.
func OpenCache(dir string, size int64) (_ *Cache, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("s3fs: cache: %w", err)
	}
	c := &Cache{dir: dir, max: size, objects: make(map[cacheID]*list.Element), fills: make(map[cacheID]*fill)}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("s3fs: cache: %w", err)
	}
	if c.root, err = os.OpenRoot(dir); err != nil {
		return nil, fmt.Errorf("s3fs: cache: %w", err)
	}
	defer func() {
		if err != nil {
			_ = c.Close()
		}
	}()
	info, err := c.root.Stat(".")
	if err != nil {
		return nil, fmt.Errorf("s3fs: cache: %w", err)
	}
	if mode := info.Mode().Perm(); hasModes && mode&openToOthers != 0 {
		return nil, fmt.Errorf("s3fs: cache %s: the directory is open to others (mode %04o): chmod 700 it, or name another one", dir, mode)
	}
	if c.unlock, err = lockDir(c.root, dir); err != nil {
		return nil, fmt.Errorf("s3fs: cache %s: %w", dir, err)
	}
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("s3fs: cache %s: %w", dir, err)
	}
	return c, nil
}

// load finds the objects that are in the directory, those that came last first.
func (c *Cache) load() error {
	dir, err := c.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	type found struct {
		*cached
		filled time.Time
	}
	var all []found
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		e, ok := parseCached(name)
		if !ok {
			number, err := strconv.ParseUint(strings.TrimPrefix(name, filledPrefix), 10, 64)
			if err == nil && name == filledPrefix+strconv.FormatUint(number, 10) {
				_ = c.root.Remove(name)
			}
			continue
		}
		info, err := c.root.Lstat(name)
		if err != nil || !info.Mode().IsRegular() || info.Size() != e.size {
			_ = c.root.Remove(name)
			continue
		}
		all = append(all, found{e, info.ModTime()})
	}
	slices.SortFunc(all, func(a, b found) int { return b.filled.Compare(a.filled) })
	for _, e := range all {
		c.next = max(c.next, e.number+1)
		if c.objects[e.id] != nil || c.used+blocks(e.size) > c.max || len(c.objects) == maxCached {
			_ = c.root.Remove(e.name())
			continue
		}
		c.objects[e.id] = c.recent.PushBack(e.cached)
		c.used += blocks(e.size)
	}
	return nil
}

// blocks returns what a file of n bytes takes.
func blocks(n int64) int64 { return (n + blockSize - 1) / blockSize * blockSize }

// Close ends all fills, waits for that, and lets another process have the directory. Open files can still be read.
func (c *Cache) Close() error {
	c.mu.Lock()
	for _, l := range c.fills {
		l.stop()
	}
	unlock := c.unlock
	c.closed, c.unlock = true, nil
	c.mu.Unlock()
	c.filling.Wait()
	if unlock != nil {
		unlock()
	}
	return c.root.Close()
}

// Stats describes the cache.
func (c *Cache) Stats() CacheStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	stats := c.stats
	stats.Files, stats.Size, stats.MaxSize = len(c.objects), c.used, c.max
	return stats
}

// keeps reports whether an object of a size may be in the cache.
func (c *Cache) keeps(size int64) bool { return size > 0 && size <= c.max/maxShare }

// open returns the file of an object, or nil if it is not in the cache. The caller closes it.
func (c *Cache) open(id cacheID) *os.File {
	c.mu.Lock()
	at := c.objects[id]
	if at == nil || c.closed {
		c.mu.Unlock()
		return nil
	}
	c.recent.MoveToFront(at)
	e := at.Value.(*cached)
	c.mu.Unlock()
	f, err := c.root.Open(e.name())
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil && info.Size() == e.size {
			return f
		}
		_ = f.Close()
	}
	c.forget(e) // it was evicted meanwhile, or somebody else has changed it
	return nil
}

// forget removes an object that is no longer what it was.
func (c *Cache) forget(e *cached) {
	c.mu.Lock()
	at := c.objects[e.id]
	isIn := at != nil && at.Value.(*cached) == e
	if isIn {
		c.removeLocked(at)
	}
	c.mu.Unlock()
	if isIn {
		_ = c.root.Remove(e.name())
	}
}

func (c *Cache) removeLocked(at *list.Element) *cached {
	e := c.recent.Remove(at).(*cached)
	delete(c.objects, e.id)
	c.used -= blocks(e.size)
	return e
}

// reserve sets n bytes aside, for which it evicts the objects that were opened longest ago. It reports whether there is
// room: fills get half of the cache at most, so that they do not empty it. A file that is being sent takes its space until
// it is closed, although it is not counted any more.
func (c *Cache) reserve(n int64) bool {
	c.mu.Lock()
	if c.aside+n > c.max/2 {
		c.mu.Unlock()
		return false
	}
	var evicted []*cached
	for (c.used+n > c.max || len(c.objects) >= maxCached) && c.recent.Len() > 0 {
		evicted = append(evicted, c.removeLocked(c.recent.Back()))
	}
	c.stats.Evictions += int64(len(evicted))
	c.used += n
	c.aside += n
	c.mu.Unlock()
	for _, e := range evicted {
		_ = c.root.Remove(e.name())
	}
	return true
}

// join returns the fill from which a file that is opened for reading gets its bytes, with one more reader; nil if it
// is to read from the store. It begins one if mayBegin says so.
func (c *Cache) join(id cacheID, mayBegin bool, source func() *file) *fill {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.fills[id]; l != nil && l.enter() {
		return l
	}
	if !mayBegin || c.closed || len(c.fills) == maxFills || c.fills[id] != nil || c.objects[id] != nil || time.Since(c.failed) < retryDisk {
		return nil
	}
	src := source()
	l := &fill{
		cache: c, id: id, size: src.info.size, src: src, number: c.next, stop: src.cancel,
		readers: 1, coming: min(firstPart, src.info.size), patience: 2 * src.fs.timeout,
	}
	c.next++
	c.fills[id] = l
	c.filling.Go(l.run)
	return l
}

// add makes a whole object available. Its file has its name, and its space is set aside.
func (c *Cache) add(l *fill) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.fills, l.id)
	c.aside -= l.reserved
	c.objects[l.id] = c.recent.PushFront(&cached{l.id, l.size, l.number})
	c.stats.Fills++
	c.failed = time.Time{}
}

// giveUp gives back the space of a fill that has not come to its end.
func (c *Cache) giveUp(l *fill) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.fills, l.id)
	c.used -= l.reserved
	c.aside -= l.reserved
}

// diskFailed stops fills for a while.
func (c *Cache) diskFailed(err error) {
	c.mu.Lock()
	isFirst := c.failed.IsZero()
	c.failed = time.Now()
	c.stats.Failures++
	c.mu.Unlock()
	if isFirst && c.OnError != nil {
		c.OnError(fmt.Errorf("s3fs: cache %s: %w; objects come from the store", c.dir, err))
	}
}

// count changes the statistics.
func (c *Cache) count(change func(*CacheStats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.stats)
}

var errNoRoom = errors.New("no room in the cache")
