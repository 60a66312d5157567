package digest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"
	"time"

	"sluice/internal/budget"
	"sluice/internal/fileid"
)

// Cache computes and caches checksums. The zero value is ready for use. It is safe for concurrent use.
type Cache struct {
	Turns      *budget.Pool // that computations wait for, and may be shared; nil: those of a new Budget
	MaxEntries int          // how many checksums are cached; zero: 65,536, which take about 20 MB

	now    func() time.Time                                     // nil: time.Now
	readAt func(f File, p []byte, off int64) (n int, err error) // nil: f.ReadAt

	mu           sync.Mutex   // guards the fields below
	ownTurns     *budget.Pool // nil: not needed yet
	computations map[key]*computation
	sums         lru
}

// ErrChanged means that a file changed while it was read, so that it has no checksum.
var ErrChanged = errors.New("changed while its checksum was computed")

var errNotRegular = errors.New("not a regular file")

// File is a file to be read, such as an *os.File. Its ReadAt need not be safe for concurrent use.
type File interface {
	io.ReaderAt
	Name() string
	Stat() (fs.FileInfo, error)
}

// Admission admits calls that may wait for a disk: Enter is called before a call, which is not made after an error, and
// Leave after it. A *mounts.Mount is one.
type Admission interface {
	Enter() error
	Leave()
}

// On returns f, for whose calls disk is asked. Without it each file of a disk that hangs takes a thread.
func On(f File, disk Admission) File { return admittedFile{f, disk} }

type admittedFile struct {
	File
	disk Admission
}

func (f admittedFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.disk.Enter(); err != nil {
		return 0, err
	}
	defer f.disk.Leave()
	return f.File.ReadAt(p, off)
}

func (f admittedFile) Stat() (fs.FileInfo, error) {
	if err := f.disk.Enter(); err != nil {
		return nil, err
	}
	defer f.disk.Leave()
	return f.File.Stat()
}

// key identifies a checksum in the cache.
type key struct {
	fileid.ID
	algorithm Algorithm
}

// identify returns the ID of f. The error is errNotRegular unless f is a regular file.
func identify(f File) (fileid.ID, error) {
	id, err := fileid.Of(f)
	if err == nil && !id.Regular {
		err = errNotRegular
	}
	return id, err
}

// Sum returns the checksum of the regular file f. It reads f only if the checksum is not cached, in blocks and at explicit
// offsets: the position of the file is the same afterwards.
//
// The call waits for turns in the name of party. Concurrent calls for the same version of a file share one computation,
// which has the turns of all of them. It continues while any of them waits; the end of ctx ends only this call, within
// one block. Each call reads from its own f, and not after it has returned.
//
// The error is ctx.Err(), a [*budget.Refusal] or, as an [*fs.PathError], [ErrChanged] or the error of a system call. The
// caller owns the bytes.
func (c *Cache) Sum(ctx context.Context, party budget.Party, f File, algorithm Algorithm) ([]byte, error) {
	h, err := algorithm.hash()
	if err != nil {
		return nil, err
	}
	now := c.time() // before identify, so that a later change has a later time
	id, err := identify(f)
	if err != nil {
		return nil, pathError(f, err)
	}
	k := key{id, algorithm}
	sum, comp := c.join(k, func() *computation {
		comp := newComputation(k, h, 0, id.Size)
		comp.keep = id.Known() && id.Settled(now)
		return comp
	})
	if comp == nil {
		return bytes.Clone(sum), nil
	}
	defer c.leave(comp)
	if err := c.take(ctx, party, comp, f); err != nil {
		return nil, err
	}
	return bytes.Clone(comp.sum), nil
}

// Has reports whether Sum would return at once.
func (c *Cache) Has(f File, algorithm Algorithm) bool {
	id, err := identify(f)
	if err != nil {
		return true // with that error
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sums.get(key{id, algorithm}) != nil
}

// Part returns the checksum of n bytes of the regular file f from offset off. For the whole file it is [Cache.Sum]. The
// checksum of any other part is not cached; apart from that, Part behaves as Sum. The error is [fs.ErrInvalid] if the part
// is not in the file.
func (c *Cache) Part(ctx context.Context, party budget.Party, f File, algorithm Algorithm, off, n int64) ([]byte, error) {
	id, err := identify(f)
	switch {
	case err != nil:
	case off < 0 || n < 0 || off > id.Size-n:
		err = fs.ErrInvalid
	case off == 0 && n == id.Size:
		return c.Sum(ctx, party, f, algorithm)
	}
	if err != nil {
		return nil, pathError(f, err)
	}
	h, err := algorithm.hash()
	if err != nil {
		return nil, err
	}
	comp := newComputation(key{id, algorithm}, h, off, off+n)
	err = c.take(ctx, party, comp, f)
	return comp.sum, err
}

func (c *Cache) time() time.Time {
	if c.now != nil {
		return c.now()
	}
	return time.Now()
}

// turns returns the Pool of turns.
func (c *Cache) turns() *budget.Pool {
	if c.Turns != nil {
		return c.Turns
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ownTurns == nil {
		c.ownTurns = budget.New().Checksums
	}
	return c.ownTurns
}

func (c *Cache) maxEntries() int {
	if c.MaxEntries > 0 {
		return c.MaxEntries
	}
	return 65_536
}
