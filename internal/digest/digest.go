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

// Cache computes checksums and remembers them. The zero value is ready for use, by many goroutines at once.
type Cache struct {
	Parallel   int // how many files are read at once; zero: half of GOMAXPROCS, but at least one
	MaxEntries int // how many checksums are remembered; zero: 65,536, which take about 20 MB

	now    func() time.Time                                     // nil: time.Now
	readAt func(f File, p []byte, off int64) (n int, err error) // nil: f.ReadAt

	mu      sync.Mutex // guards the fields below
	slots   chan struct{}
	flights map[key]*flight
	sums    lru
}

// ErrChanged means that a file changed while it was read, so that no checksum is right.
var ErrChanged = errors.New("changed while its checksum was computed")

var errNotRegular = errors.New("not a regular file")

// File is a file to be read, such as an *os.File. Its ReadAt need not be for several goroutines at once.
type File interface {
	io.ReaderAt
	Name() string
	Stat() (fs.FileInfo, error)
}

// key is what a checksum belongs to.
type key struct {
	fileid.ID
	algorithm Algorithm
}

// identify returns the state of a regular file.
func identify(f File) (fileid.ID, error) {
	id, err := fileid.Of(f)
	if err == nil && !id.Regular {
		err = errNotRegular
	}
	return id, err
}

// Sum returns the checksum of the regular file f, all of it. It reads f only if the checksum is not known, in blocks
// and at explicit offsets: the file position is neither used nor moved.
//
// All who ask for the same wait for one computation. It goes on as long as one of them waits; the end of ctx ends
// only this wait, within one block. Each reads from its own f, and not after Sum has returned.
//
// The error is ctx.Err() or, as an [*fs.PathError], [ErrChanged] or what the system says. The caller owns the bytes.
func (c *Cache) Sum(ctx context.Context, f File, algorithm Algorithm) ([]byte, error) {
	h, err := algorithm.hash()
	if err != nil {
		return nil, err
	}
	now := c.time() // before the identity is asked for: what changes later must look later
	id, err := identify(f)
	if err != nil {
		return nil, &fs.PathError{Op: "digest", Path: f.Name(), Err: err}
	}
	k := key{id, algorithm}
	sum, fl := c.join(k, &flight{
		hash: h,
		keep: id.Known() && id.Settled(now),
		turn: make(chan struct{}, 1),
		done: make(chan struct{}),
	})
	if fl == nil {
		return bytes.Clone(sum), nil
	}
	defer c.leave(k, fl)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-fl.done:
	case <-fl.turn:
		err := c.read(ctx, fl, f, id, id.Size)
		if ctx.Err() != nil && err != nil {
			fl.turn <- struct{}{} // the next one reads on
			return nil, ctx.Err()
		}
		if err != nil {
			err = &fs.PathError{Op: "digest", Path: f.Name(), Err: err}
		}
		c.finish(k, fl, err)
	}
	return bytes.Clone(fl.sum), fl.err
}

// Part returns the checksum of n bytes of the regular file f from off on. Of the whole file it is [Cache.Sum];
// otherwise it is computed anew each time, like Sum in all else. What is not in the file is [fs.ErrInvalid].
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
	if err := c.read(ctx, &flight{hash: h, off: off}, f, id, off+n); err != nil {
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

// read computes on with the content of f up to end. f was id when it was asked for.
func (c *Cache) read(ctx context.Context, fl *flight, f File, id fileid.ID, end int64) error {
	slots := c.parallel()
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	buf := blocks.Get().(*[block]byte)
	defer blocks.Put(buf)
	for fl.off < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := c.pread(f, buf[:min(block, end-fl.off)], fl.off)
		fl.hash.Write(buf[:n])
		fl.off += int64(n)
		switch {
		case err == nil || fl.off == end:
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

// parallel returns what has room for as many tokens as files may be read at once.
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
