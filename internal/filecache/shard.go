package filecache

import (
	"sync"
	"sync/atomic"
	"time"
)

// shard is a part of a Cache with a lock of its own.
type shard struct {
	held *Budget

	mu      sync.RWMutex      // guards the fields below and those of the entries
	entries map[string]*entry // by path; nil after Close
	dropped []*File           // for unlock to release
}

// unlock unlocks mu, and then closes files that entries had. Closing the last descriptor of a large file that was
// removed takes a while, because its space becomes free then.
func (s *shard) unlock() {
	dropped := s.dropped
	s.dropped = nil
	s.mu.Unlock()
	for _, f := range dropped {
		f.Release()
	}
}

// Budget is the number of entries and bytes in all shards of one Cache, or of several
// that share it, and their bounds. With a bound for each shard a cache would evict
// before it is full: the hash is not even. The zero value is ready for use.
//
// A Cache evicts only its own entries. If others have taken all of the Budget, it keeps
// nothing until they have forgotten some, ten seconds after their last use.
type Budget struct {
	once                sync.Once // for the bounds
	maxFiles, maxMemory int64

	files  atomic.Int64 // entries
	memory atomic.Int64 // of all bodies
}

// entry is what is known about a name.
type entry struct {
	path    string
	file    *File // nil: err says that there is none
	err     error
	checked time.Duration // when the path was opened; 0: never, or the entry is outdated
	load    *load         // under way; nil: none

	// Written with mu locked, for reading at least:
	used       atomic.Int64  // time.Duration of the last use
	generation atomic.Uint64 // vfs.Generation before the entry was last found to be correct
}

// load is the opening of a path, for which several goroutines may wait.
type load struct {
	generation uint64        // vfs.Generation before the path was opened
	began      time.Duration // when that began
	waiters    int32         // guarded by the shard's mu
	done       chan struct{} // closed when the fields below are set; each waiter then is a user of file
	file       *File
	err        error
}

// validity says whether an entry may be used.
type validity int

const (
	unknown  validity = iota // it may not
	doubtful                 // only if it is confirmed: this process has changed something since
	current                  // it may
)

// take returns the file or the error of the entry, unless it is unknown, and makes the caller a user of the file.
// generation is that of the caller, e may be nil. The caller holds mu, for reading at least.
func (e *entry) take(now, valid time.Duration, generation uint64) (f *File, v validity, err error) {
	if e == nil || e.checked == 0 || now-e.checked >= valid {
		return nil, unknown, nil
	}
	e.used.Store(int64(now))
	if e.file != nil {
		e.file.refs.Add(1)
	}
	if e.generation.Load() < generation {
		return e.file, doubtful, e.err
	}
	return e.file, current, e.err
}

// confirm says that the entry of a path, f or that there is no file, was found to be correct after generation was
// read. It does nothing if the entry has been replaced.
func (s *shard) confirm(path string, f *File, generation uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.entries[path]
	if e == nil || e.file != f {
		return
	}
	for {
		old := e.generation.Load()
		if old >= generation || e.generation.CompareAndSwap(old, generation) {
			return
		}
	}
}

// outdate makes the next Get open path again, unless f has been replaced.
func (s *shard) outdate(path string, f *File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[path]; e != nil && e.file == f {
		e.checked = 0
	}
}

// add adds an empty entry, or returns nil if there is no room and no entry that this
// shard can evict. The caller holds mu.
func (s *shard) add(path string, now time.Duration) *entry {
	for s.held.files.Add(1) > s.held.maxFiles {
		s.held.files.Add(-1)
		if !s.evict(anyEntry) {
			return nil
		}
	}
	e := &entry{path: path}
	e.used.Store(int64(now))
	s.entries[path] = e
	return e
}

// set fills an entry. The cache becomes one more user of f. The caller holds mu.
func (s *shard) set(e *entry, f *File, err error, checked time.Duration, generation uint64) {
	if f != e.file {
		s.drop(e)
		if f != nil {
			f.refs.Add(1)
			s.held.memory.Add(int64(len(f.Body)))
		}
	}
	e.file, e.err, e.checked = f, err, checked
	e.generation.Store(generation)
	for s.held.memory.Load() > s.held.maxMemory {
		if !s.evict(func(o *entry) bool { return o != e && o.hasBody() }) {
			if e.hasBody() {
				s.remove(e)
			}
			return
		}
	}
}

func anyEntry(*entry) bool { return true }

func (e *entry) hasBody() bool { return e.file != nil && len(e.file.Body) > 0 }

// evict removes the entry that was used longest ago among a few that accept
// allows, and reports whether there was one. The order of the map, which is random,
// decides which few. The caller holds mu.
func (s *shard) evict(accept func(*entry) bool) bool {
	const sample = 8
	var oldest *entry
	seen := 0
	for _, e := range s.entries {
		if e.load != nil || !accept(e) {
			continue
		}
		if oldest == nil || e.used.Load() < oldest.used.Load() {
			oldest = e
		}
		if seen++; seen == sample {
			break
		}
	}
	if oldest == nil {
		return false
	}
	s.remove(oldest)
	return true
}

// remove removes an entry. The caller holds mu.
func (s *shard) remove(e *entry) {
	s.drop(e)
	delete(s.entries, e.path)
	s.held.files.Add(-1)
}

// drop ends the cache's use of the entry's file. The caller holds mu, and calls unlock.
func (s *shard) drop(e *entry) {
	if e.file != nil {
		s.held.memory.Add(-int64(len(e.file.Body)))
		s.dropped = append(s.dropped, e.file)
		e.file = nil
	}
}
