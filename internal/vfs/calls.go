package vfs

import (
	"fmt"
	"path"
	"path/filepath"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/mounts"
)

// ErrNotResponding means that a call of a file system was not made, because too many earlier ones of its mount hang (see
// package mounts), or, if the file system is no [Root], that a call took longer than half a minute.
var ErrNotResponding = mounts.ErrNotResponding

// callLimiter limits calls of a file system that may hang, such as one on a network. A call that was given up keeps its
// goroutine and its place in the mount until it returns.
type callLimiter struct {
	fs    afero.Fs
	mount *mounts.Mount // of all files, unless fs shows those of this machine
	limit time.Duration // of one call; zero: hangAfter
}

const hangAfter = 30 * time.Second

func newCallLimiter(fsys afero.Fs) *callLimiter {
	return &callLimiter{fs: fsys, mount: mounts.New("")}
}

// at returns a limiter for calls that ask for the file that the file system calls full.
func (c *callLimiter) at(full string) *callLimiter {
	if name, ok := osPath(c.fs, filepath.FromSlash(path.Join("/", full))); ok {
		if m := mounts.Of(name); m != nil {
			return &callLimiter{fs: c.fs, mount: m, limit: c.limit}
		}
	}
	return c
}

// callWithLimit returns the results of f, or ErrNotResponding if f takes too long or is not admitted to the mount of c. If
// f succeeds after that, discard is called with its value, to close an open file for example.
func callWithLimit[T any](c *callLimiter, f func() (T, error), discard func(T)) (T, error) {
	var none T
	if err := c.mount.Enter(); err != nil {
		return none, err
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := recoverPanic(f)
		c.mount.Leave()
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
	go func() {
		r := <-done
		if r.err == nil && discard != nil {
			_, _ = recoverPanic(func() (struct{}, error) { discard(r.value); return struct{}{}, nil })
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
