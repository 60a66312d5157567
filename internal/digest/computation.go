package digest

import (
	"context"
	"errors"
	"hash"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"sluice/internal/budget"
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
			if hasResult := r.read(waiting); hasResult {
				c.finish(comp)
				return pathError(f, comp.err)
			}
			comp.token <- struct{}{}
			err = r.turn.Step(waiting)
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

// block is how much is read at once, in bytes.
const block = 256 << 10

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
	turn  *budget.Slices
}

func (r *reader) takeTurn(ctx context.Context) (err error) {
	r.turn, err = r.turns.Slices(ctx, r.party, r.comp.end-r.comp.off.Load())
	return err
}

// read continues the computation until the turn is over, or ctx. It reports whether the computation has a result then.
// The caller has the token.
func (r *reader) read(ctx context.Context) (hasResult bool) {
	comp := r.comp
	for off := comp.off.Load(); off < comp.end; off = comp.off.Load() {
		if ctx.Err() != nil || r.turn.IsOver() {
			return false
		}
		n, err := r.readBlock(off)
		comp.off.Add(n)
		switch {
		case err == nil || off+n == comp.end:
			continue
		case errors.Is(err, io.EOF):
			err = ErrChanged
		}
		comp.err = err
		return true
	}
	switch after, err := identify(r.f); {
	case err != nil:
		comp.err = err
	case after != comp.key.ID:
		comp.err = ErrChanged
	default:
		comp.sum = comp.hash.Sum(nil)
	}
	return true
}

// readBlock reads a block, or finds a hole, and returns the number of bytes that hash has got.
func (r *reader) readBlock(off int64) (int64, error) {
	comp := r.comp
	buf := blocks.Get().(*[block]byte)
	defer blocks.Put(buf)
	p := buf[:min(block, comp.end-off)]
	if r.cache.readAt != nil { // a test, which wants to see each byte
		n, err := r.cache.readAt(r.f, p, off)
		comp.hash.Write(p[:n])
		return int64(n), err
	}
	if hole := comp.holes.at(r.f, off, comp.end); hole > 0 {
		return writeZeros(comp.hash, hole), nil
	}
	n, err := r.f.ReadAt(p, off)
	comp.hash.Write(p[:n])
	return int64(n), err
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
