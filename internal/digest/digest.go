package digest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"sync"
	"time"

	"sluice/internal/fileid"
)

// Cache computes and caches checksums. The zero value is ready for use. It is safe for concurrent use.
type Cache struct {
	Parallel   int // how many files are read at once; zero: half of GOMAXPROCS, but at least one
	MaxEntries int // how many checksums are cached; zero: 65,536, which take about 20 MB

	now    func() time.Time                                     // nil: time.Now
	readAt func(f File, p []byte, off int64) (n int, err error) // nil: f.ReadAt

	mu           sync.Mutex // guards the fields below
	slots        chan struct{}
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
// offsets: the file position is neither used nor moved.
//
// Concurrent calls for the same version of a file share one computation. It continues while any of them waits; the end
// of ctx ends only this call, within one block. Each call reads from its own f, and not after it has returned.
//
// The error is ctx.Err() or, as an [*fs.PathError], [ErrChanged] or the error of a system call. The caller owns the bytes.
func (c *Cache) Sum(ctx context.Context, f File, algorithm Algorithm) ([]byte, error) {
	h, err := algorithm.hash()
	if err != nil {
		return nil, err
	}
	now := c.time() // before identify, so that a later change has a later time
	id, err := identify(f)
	if err != nil {
		return nil, &fs.PathError{Op: "digest", Path: f.Name(), Err: err}
	}
	k := key{id, algorithm}
	sum, comp := c.join(k, &computation{
		hash:  h,
		keep:  id.Known() && id.Settled(now),
		token: make(chan struct{}, 1),
		done:  make(chan struct{}),
	})
	if comp == nil {
		return bytes.Clone(sum), nil
	}
	defer c.leave(k, comp)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-comp.done:
	case <-comp.token:
		err := c.read(ctx, comp, f, id, id.Size)
		if ctx.Err() != nil && err != nil {
			comp.token <- struct{}{} // another call continues the computation
			return nil, ctx.Err()
		}
		if err != nil {
			err = &fs.PathError{Op: "digest", Path: f.Name(), Err: err}
		}
		c.finish(k, comp, err)
	}
	return bytes.Clone(comp.sum), comp.err
}

// Part returns the checksum of n bytes of the regular file f from offset off. For the whole file it is [Cache.Sum]. The
// checksum of any other part is not cached; apart from that, Part behaves as Sum. The error is [fs.ErrInvalid] if the part
// is not in the file.
func (c *Cache) Part(ctx context.Context, f File, algorithm Algorithm, off, n int64) ([]byte, error) {
	id, err := identify(f)
	switch {
	case err != nil:
	case off < 0 || n < 0 || off > id.Size-n:
		err = fs.ErrInvalid
	case off == 0 && n == id.Size:
		return c.Sum(ctx, f, algorithm)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "digest", Path: f.Name(), Err: err}
	}
	h, err := algorithm.hash()
	if err != nil {
		return nil, err
	}
	if err := c.read(ctx, &computation{hash: h, off: off}, f, id, off+n); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &fs.PathError{Op: "digest", Path: f.Name(), Err: err}
	}
	return h.Sum(nil), nil
}

// block is how much is read at once, in bytes.
const block = 256 << 10

var blocks = sync.Pool{New: func() any { return new([block]byte) }}

// read continues the computation with the content of f up to end. The error is ErrChanged if the ID of f is not id
// afterwards.
func (c *Cache) read(ctx context.Context, comp *computation, f File, id fileid.ID, end int64) error {
	slots := c.parallel()
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	buf := blocks.Get().(*[block]byte)
	defer blocks.Put(buf)
	for comp.off < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := c.pread(f, buf[:min(block, end-comp.off)], comp.off)
		comp.hash.Write(buf[:n])
		comp.off += int64(n)
		switch {
		case err == nil || comp.off == end:
		case errors.Is(err, io.EOF):
			return ErrChanged
		default:
			return err
		}
	}
	switch after, err := identify(f); {
	case err != nil:
		return err
	case after != id:
		return ErrChanged
	}
	return nil
}

func (c *Cache) pread(f File, p []byte, off int64) (int, error) {
	if c.readAt != nil {
		return c.readAt(f, p, off)
	}
	return f.ReadAt(p, off)
}

func (c *Cache) time() time.Time {
	if c.now != nil {
		return c.now()
	}
	return time.Now()
}

// parallel returns a channel with a capacity of the number of files that may be read at once.
func (c *Cache) parallel() chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slots == nil {
		n := c.Parallel
		if n <= 0 {
			n = max(1, runtime.GOMAXPROCS(0)/2)
		}
		c.slots = make(chan struct{}, n)
	}
	return c.slots
}

func (c *Cache) maxEntries() int {
	if c.MaxEntries > 0 {
		return c.MaxEntries
	}
	return 65_536
}
