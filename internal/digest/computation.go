package digest

import "hash"

// computation is the computation of one checksum. It has no goroutine of its own: one of the calls that wait for the
// result reads the file, and if that call ends early another one continues.
type computation struct {
	token chan struct{} // holds a token while no call reads
	done  chan struct{} // closed when sum and err are set
	keep  bool          // whether the sum may be cached

	waiters int // calls that wait; Cache.mu protects it

	// For the call that has the token:
	hash hash.Hash
	off  int64 // number of bytes written to hash

	// Set before done is closed:
	sum []byte
	err error
}

// join returns the sum for k if it is cached, else a computation to wait for: the present one for k, or else fresh. The
// caller must call leave for it.
func (c *Cache) join(k key, fresh *computation) ([]byte, *computation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sum := c.sums.get(k); sum != nil {
		return sum, nil
	}
	comp := c.computations[k]
	if comp == nil {
		comp = fresh
		comp.token <- struct{}{}
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
func (c *Cache) leave(k key, comp *computation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if comp.waiters--; comp.waiters == 0 && c.computations[k] == comp {
		delete(c.computations, k)
	}
}

// finish sets the result of a computation, after the whole file was read or with the error, and wakes all waiting calls.
func (c *Cache) finish(k key, comp *computation, err error) {
	if comp.err = err; err == nil {
		comp.sum = comp.hash.Sum(nil)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.computations, k)
	if err == nil && comp.keep {
		c.sums.add(k, comp.sum, c.maxEntries())
	}
	close(comp.done)
}
