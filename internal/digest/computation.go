package digest

import (
	"cmp"
	"context"
	"errors"
	"hash"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/budget"
	"sluice/internal/fileid"
)

// computation is the computation of one checksum. It has no goroutine of its own: all calls that wait for the result
// wait for a turn, each in the name of its own client, and the one whose turn it is reads on.
type computation struct {
	key  key
	end  int64 // of what is read of the file
	keep bool  // whether the sum may be cached

	waiters int // calls that wait; Cache.mu protects it

	token chan struct{} // holds a token while no call reads
	off   atomic.Int64  // how much is read; the call with the token changes it

	// For the call that has the token:
	hash  hash.Hash
	holes holes

	over     context.Context // ends when sum and err are set
	complete context.CancelFunc
	sum      []byte
	err      error
}

func newComputation(k key, h hash.Hash, off, end int64) *computation {
	comp := &computation{key: k, end: end, hash: h, token: make(chan struct{}, 1)}
	comp.off.Store(off)
	comp.over, comp.complete = context.WithCancel(context.Background())
	comp.token <- struct{}{}
	return comp
}

// join returns the sum for k if it is cached, else a computation to wait for: the present one for k, or else fresh. The
// caller must call leave for it.
func (c *Cache) join(k key, fresh func() *computation) ([]byte, *computation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sum := c.sums.get(k); sum != nil {
		return sum, nil
	}
	comp := c.computations[k]
	if comp == nil {
		comp = fresh()
		if c.computations == nil {
			c.computations = make(map[key]*computation)
		}
		if k.Known() {
			c.computations[k] = comp
		}
	}
	comp.waiters++
	return nil, comp
}

// leave ends a wait. It removes a computation that no call waits for any more.
func (c *Cache) leave(comp *computation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if comp.waiters--; comp.waiters == 0 {
		c.forget(comp)
	}
}

// forget removes a computation. The caller holds mu.
func (c *Cache) forget(comp *computation) {
	if c.computations[comp.key] == comp {
		delete(c.computations, comp.key)
	}
}

// finish ends a computation that has a result, and wakes all calls that wait for it.
func (c *Cache) finish(comp *computation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(comp)
	if comp.err == nil && comp.keep {
		c.sums.add(comp.key, comp.sum, c.maxEntries())
	}
	comp.complete()
}

// take takes part in a computation until it has a result. The error is that of ctx, a refusal of a turn, or comp.err.
func (c *Cache) take(ctx context.Context, party budget.Party, comp *computation, f File) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(comp.over, cancel)()
	r := reader{cache: c, comp: comp, f: f, turns: c.turns(), party: party}
	defer func() { r.turn.Release() }()
	err := r.takeTurn(waiting)
	for err == nil && comp.over.Err() == nil {
		select {
		case <-comp.token:
			var isOver bool
			if isOver, err = r.read(waiting); isOver {
				c.finish(comp)
				return pathError(f, comp.err)
			}
			comp.token <- struct{}{}
			if err == nil {
				err = r.turn.Yield(waiting)
			}
		default: // another call reads, at another processor, or waits for the disk
			r.turn.Release()
			select {
			case <-comp.token:
				comp.token <- struct{}{}
				err = r.takeTurn(waiting)
			case <-waiting.Done():
				err = waiting.Err()
			}
		}
	}
	switch {
	case comp.over.Err() != nil:
		return pathError(f, comp.err)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

const (
	// turnTime is how long a call reads and computes before others have their turn. It is a small part of the time that
	// people notice, and many times what it costs to take turns.
	turnTime = 20 * time.Millisecond

	// slowRead is how long a read may take before the turn goes to others: it waits for the disk, and not for the
	// processor.
	slowRead = 100 * time.Millisecond

	// block is how much is read at once, in bytes.
	block = 256 << 10
)

var (
	blocks = sync.Pool{New: func() any { return new([block]byte) }}
	zeros  [block]byte
)

// reader is a call that takes part in a computation.
type reader struct {
	cache *Cache
	comp  *computation
	f     File
	turns *budget.Pool
	party budget.Party
	turn  *budget.Hold
}

func (r *reader) takeTurn(ctx context.Context) (err error) {
	r.turn, err = r.turns.Take(ctx, r.party, 1, r.comp.end-r.comp.off.Load())
	return err
}

// read continues the computation for a turn. It reports whether the computation has a result then; an error is one of
// this call alone. The caller has the token.
func (r *reader) read(ctx context.Context) (isOver bool, err error) {
	comp, begun := r.comp, time.Now()
	for off := comp.off.Load(); off < comp.end; off = comp.off.Load() {
		if ctx.Err() != nil || time.Since(begun) >= turnTime {
			return false, ctx.Err()
		}
		n, readErr, err := r.readBlock(ctx, off)
		if err != nil {
			return false, err
		}
		comp.off.Add(n)
		switch {
		case readErr == nil || off+n == comp.end:
			continue
		case errors.Is(readErr, io.EOF):
			readErr = ErrChanged
		}
		comp.err = readErr
		return true, nil
	}
	var after fileid.ID
	r.mayHang(func() { after, err = identify(r.f) })
	switch {
	case err != nil:
		comp.err = err
	case after != comp.key.ID:
		comp.err = ErrChanged
	default:
		comp.sum = comp.hash.Sum(nil)
	}
	return true, nil
}

// readBlock reads a block, or finds a hole, and returns the number of bytes that hash has got, and the error of the
// read. err is that of waiting for another turn.
func (r *reader) readBlock(ctx context.Context, off int64) (n int64, readErr, err error) {
	comp := r.comp
	buf := blocks.Get().(*[block]byte)
	defer blocks.Put(buf)
	var hole int64
	var read int
	r.mayHang(func() {
		if r.cache.readAt != nil { // a test, which wants to see each byte
			read, readErr = r.cache.readAt(r.f, buf[:min(block, comp.end-off)], off)
			return
		}
		if hole = comp.holes.at(r.f, off, comp.end); hole == 0 {
			read, readErr = r.f.ReadAt(buf[:min(block, comp.end-off)], off)
		}
	})
	if r.turn == nil {
		if err := r.takeTurn(ctx); err != nil {
			return 0, nil, err
		}
	}
	if hole > 0 {
		return writeZeros(comp.hash, hole), nil, nil
	}
	comp.hash.Write(buf[:read])
	return int64(read), readErr, nil
}

// mayHang calls f, which may wait for the disk. If that takes longer than slowRead, it gives back the turn, which is nil
// then.
func (r *reader) mayHang(f func()) {
	released := make(chan struct{})
	timer := time.AfterFunc(cmp.Or(r.cache.slow, slowRead), func() {
		r.turn.Release()
		close(released)
	})
	defer func() {
		if !timer.Stop() {
			<-released
			r.turn = nil
		}
	}()
	f()
}

// writeZeros writes n zeros, or as many as a block has, and returns how many.
func writeZeros(h hash.Hash, n int64) int64 {
	if c, ok := h.(*crc); ok {
		c.writeZeros(n)
		return n
	}
	n = min(n, block)
	h.Write(zeros[:n])
	return n
}

func pathError(f File, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: "digest", Path: f.Name(), Err: err}
}
