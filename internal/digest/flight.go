package digest

import "hash"

// flight is a computation that is under way. No goroutine belongs to it: one of those who wait for the result reads,
// and if it loses interest another reads on where it stopped.
type flight struct {
	turn chan struct{} // holds a token while nobody reads
	done chan struct{} // closed when sum and err are there
	keep bool          // whether the sum may be remembered

	waiters int // guarded by Cache.mu

	// Of who has the token:
	hash hash.Hash
	off  int64 // how many bytes have gone into hash

	// Set before done is closed:
	sum []byte
	err error
}

// join returns the sum for k if it is known, else a flight to wait for: the one that is under way, or fresh. The
// caller must leave the flight.
func (c *Cache) join(k key, fresh *flight) ([]byte, *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sum := c.sums.get(k); sum != nil {
		return sum, nil
	}
	fl := c.flights[k]
	if fl == nil {
		fl = fresh
		fl.turn <- struct{}{}
		if c.flights == nil {
			c.flights = make(map[key]*flight)
		}
		if k.Known() {
			c.flights[k] = fl
		}
	}
	fl.waiters++
	return nil, fl
}

// leave forgets a flight that nobody waits for any more.
func (c *Cache) leave(k key, fl *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if fl.waiters--; fl.waiters == 0 && c.flights[k] == fl {
		delete(c.flights, k)
	}
}

// finish tells all who wait that the whole file was read, or why it cannot be.
func (c *Cache) finish(k key, fl *flight, err error) {
	if fl.err = err; err == nil {
		fl.sum = fl.hash.Sum(nil)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flights, k)
	if err == nil && fl.keep {
		c.sums.add(k, fl.sum, c.maxEntries())
	}
	close(fl.done)
}
