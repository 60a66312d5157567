package vfs

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrNotResponding means that a call of a file system took longer than half a minute, or was not made because too many
// earlier calls still hang.
var ErrNotResponding = errors.New("the file system does not answer")

// callLimiter limits calls of a file system that may hang, such as one on a network. A call that was given up keeps its
// goroutine until it returns, so no further call is made while maxHung of them have not returned.
type callLimiter struct {
	limit time.Duration // of one call; zero: hangAfter
	hung  atomic.Int32  // calls that were given up and have not returned
}

const (
	hangAfter = 30 * time.Second
	maxHung   = 16
)

// callWithLimit returns the results of f, or ErrNotResponding if f takes too long. If f succeeds after that, discard is
// called with its value, to close an open file for example.
func callWithLimit[T any](c *callLimiter, f func() (T, error), discard func(T)) (T, error) {
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
		if r.err == nil && discard != nil {
			discard(r.value)
		}
	}()
	return none, ErrNotResponding
}

// PanicError is a recovered panic of a file system.
type PanicError struct{ Value any }

// Error includes the value of the panic. It is for the operator alone.
func (e *PanicError) Error() string { return fmt.Sprintf("the file system panics: %v", e.Value) }

// recoverPanic calls f and turns a panic into a PanicError, so that one faulty file does not end the server.
func recoverPanic[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{r}
		}
	}()
	return f()
}
