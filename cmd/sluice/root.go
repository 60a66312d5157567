package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"sluice/internal/vfs"
)

// servedRoot is the directory that is served: what its name means, looked up again and again. A name may come to mean
// another directory by a link that is switched, by rm and mkdir, or by a mount over it.
//
// A tree that is exchanged is not closed, as sessions and transfers go on in it: the garbage collector closes its
// descriptors when nobody uses it any more.
type servedRoot struct {
	name    string
	current atomic.Pointer[vfs.Root]
	problem string // that was logged last; "": none
}

// lookEvery is how often the name is looked up, so that no client waits for a second.
const lookEvery = 500 * time.Millisecond

// open opens the directory of that name.
func (r *servedRoot) open(name string) error {
	tree, err := vfs.Open(name)
	if err != nil {
		return err
	}
	r.name = name
	r.current.Store(tree)
	return nil
}

// tree returns the directory as it is now. It is the caller's for as long as it likes.
func (r *servedRoot) tree() *vfs.Root { return r.current.Load() }

// look finds out whether the name means another directory, and returns it; nil: it does not, or nothing that can be
// opened, which is logged once. It is for one goroutine.
func (r *servedRoot) look(logger *slog.Logger) *vfs.Root {
	next, err := r.other()
	switch {
	case err == nil:
		r.problem = ""
	case err.Error() != r.problem:
		r.problem = err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			logger.Warn("the directory that is served has lost its name, and is served until another has it", "root", r.name)
		} else {
			logger.Warn("the name of the directory that is served means something else now, which cannot be opened: restart, if it should be served", "root", r.name, "err", err)
		}
	}
	if next != nil {
		r.current.Store(next)
		logger.Info("another directory has the name of the one that was served, and is served now", "root", r.name)
	}
	return next
}

// other opens the directory that the name means, if that is another one.
func (r *servedRoot) other() (*vfs.Root, error) {
	now, err := os.Stat(r.name)
	if err != nil {
		return nil, err
	}
	if before, err := r.tree().Stat("/"); err == nil && os.SameFile(before, now) {
		return nil, nil
	}
	return vfs.Open(r.name)
}

// followRoot looks for another root now and then, and for a home of the guest that was missing, until ctx ends. New logins
// by FTP are let into it.
func (b *builder) followRoot(ctx context.Context) {
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		b.root.look(b.logger)
		b.show()
	}
}
