package vfs

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrNotResponding means that a file system has not answered for so long that nobody waits for it any more, or that so many
// calls hang in it that no other is made.
var ErrNotResponding = errors.New("the file system does not answer")

// calls makes calls of a file system that may hang, such as one on a network. A call that hangs keeps its goroutine
// until it returns: so no other is made as long as maxHung of those that were given up hang.
type calls struct {
	limit time.Duration // zero: hangAfter
	hung  atomic.Int32
}

const (
	hangAfter = 30 * time.Second
	maxHung   = 16
)

// callWithLimit returns what f returns, or ErrHangs. If f returns later than that, late is called with what it has returned
// and must not be forgotten, such as an open file.
func callWithLimit[T any](c *calls, f func() (T, error), late func(T)) (T, error) {
	var none T
	if c.hung.Load() >= maxHung {
		return none, ErrNotResponding
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := recoverPanic(f)
		done <- result{value, err}
	}()
	limit := c.limit
	if limit == 0 {
		limit = hangAfter
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-timer.C:
	}
	c.hung.Add(1)
	go func() {
		r := <-done
		c.hung.Add(-1)
		if r.err == nil && late != nil {
			late(r.value)
		}
	}()
	return none, ErrNotResponding
}

// PanicError is the panic of a file system.
type PanicError struct{ Value any }

// Error tells what the panic said. It is for the operator alone.
func (e *PanicError) Error() string { return fmt.Sprintf("the file system panics: %v", e.Value) }

// recoverPanic calls f, whose panic becomes an error: it is the fault of one file, and no reason to end a server.
func recoverPanic[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{r}
		}
	}()
	return f()
}
