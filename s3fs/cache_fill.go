package s3fs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"
)

// fill is an object on its way into the cache. One goroutine gets it from the store, any number of readers read what is
// there and wait for more.
type fill struct {
	cache  *Cache
	id     cacheID
	size   int64
	number uint64 // of the file, in its names
	stop   context.CancelFunc

	// patience is how long a reader waits for bytes before it asks the store itself: the disk may hang.
	patience time.Duration

	// Of the goroutine.
	src      *file // at the store
	reserved int64 // bytes set aside

	mu      sync.Mutex // guards the fields below
	file    *os.File   // nil: not made yet, or closed
	readers int
	wanted  int64         // up to where readers have come
	filled  int64         // bytes that can be read
	coming  int64         // the end of the part that the store is sending, or will first
	middle  int64         // of that part: a reader beyond it makes the next one be asked for
	ended   bool          // nothing more comes
	err     error         // what readers get then; nil: they read from the store
	changed chan struct{} // closed at the next change; nil: nobody waits
}

const (
	fillStep   = 128 << 10 // bytes that are read at once
	setAside   = 4 << 20   // bytes for which room is made at once
	fillAlone  = 8 << 20   // a fill that nobody reads ends, unless this is all that it lacks
	errNotHere = fillError("the bytes are not in the cache")
)

type fillError string

func (e fillError) Error() string { return string(e) }

// wholeFill returns a fill that has come to its end, with one reader.
func wholeFill(c *Cache, file *os.File, size int64) *fill {
	return &fill{cache: c, size: size, file: file, readers: 1, filled: size, ended: true}
}

// enter makes the caller a reader, unless the fill has ended.
func (l *fill) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.readers++
	return true
}

// leave ends the use by a reader.
func (l *fill) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers--
	l.changedLocked()
	l.closeLocked()
}

// closeLocked closes the file after its last use.
func (l *fill) closeLocked() {
	if l.ended && l.readers == 0 && l.file != nil {
		_ = l.file.Close()
		l.file = nil
	}
}

func (l *fill) changedLocked() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// waitLocked waits for a change or the end of ctx, or for a time, if that is not 0. It unlocks mu meanwhile.
func (l *fill) waitLocked(ctx context.Context, most time.Duration) error {
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	changed := l.changed
	l.mu.Unlock()
	defer l.mu.Lock()
	var late <-chan time.Time
	if most > 0 {
		timer := time.NewTimer(most)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-changed:
		return nil
	case <-late:
		return errNotHere
	case <-ctx.Done():
		return fs.ErrClosed
	}
}

// readAt reads what is there, and waits if nothing is. The error is errNotHere if the bytes are better asked for at the
// store.
func (l *fill) readAt(ctx context.Context, p []byte, off int64) (int, error) {
	file, filled, err := l.await(ctx, off, off+int64(len(p)))
	if err != nil {
		return 0, err
	}
	n, err := file.ReadAt(p[:min(int64(len(p)), filled-off)], off) // it stays open: the caller is a reader
	if n == 0 {
		l.cache.diskFailed(err)
		return 0, errNotHere
	}
	return n, nil
}

// await waits until the byte at off is there, for a reader that wants those up to end. It returns the file, and how much it
// has.
func (l *fill) await(ctx context.Context, off, end int64) (file *os.File, filled int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for off >= l.filled {
		switch {
		case l.ended && l.err != nil:
			return nil, 0, l.err
		case l.ended, off > l.coming+skip:
			return nil, 0, errNotHere
		}
		l.advanceLocked(off + 1)
		if err := l.waitLocked(ctx, l.patience); err != nil {
			return nil, 0, err
		}
	}
	l.advanceLocked(min(end, l.filled))
	return l.file, l.filled, nil
}

func (l *fill) advanceLocked(to int64) {
	if to > l.wanted {
		wakes := l.wanted < l.middle && to >= l.middle
		l.wanted = to
		if wakes {
			l.changedLocked()
		}
	}
}

// run gets the object.
func (l *fill) run() {
	defer func() {
		l.src.closeBody()
		_ = l.src.Close()
	}()
	name := filledPrefix + strconv.FormatUint(l.number, 10)
	err := l.create(name)
	if err == nil {
		err = l.copy()
	}
	if err == nil {
		err = l.finish(name)
	}
	if err != nil {
		l.fail(name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.changedLocked()
	l.closeLocked()
}

// diskError is an error of the local disk.
type diskError struct{ error }

func (e diskError) Unwrap() error { return e.error }

func (l *fill) create(name string) error {
	f, err := l.cache.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return diskError{err}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file = f
	return nil
}

// copy copies the object from the store to the file.
func (l *fill) copy() error {
	buf := make([]byte, min(fillStep, l.size))
	partEnd := int64(0)
	for at := int64(0); at < l.size; {
		if err := l.awaitReader(at, l.src.body == nil); err != nil {
			return err
		}
		n, err := l.src.Read(buf)
		if err != nil {
			return err
		}
		if err := l.setAside(at + int64(n)); err != nil {
			return err
		}
		if _, err := l.file.WriteAt(buf[:n], at); err != nil {
			return diskError{err}
		}
		at += int64(n)
		l.cache.count(func(s *CacheStats) { s.Fetched += int64(n) })
		l.mu.Lock()
		if l.src.end != partEnd {
			partEnd = l.src.end
			l.coming, l.middle = partEnd, l.filled+(partEnd-l.filled)/2
		}
		l.filled = at
		l.changedLocked()
		l.mu.Unlock()
	}
	return nil
}

var errNoReader = errors.New("nobody reads the object any more")

// awaitReader returns an error if nobody reads the object any more. If another part must be asked for, which begins at at,
// it waits until a reader has come near.
func (l *fill) awaitReader(at int64, isNewPart bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.readers == 0 && l.size-at > fillAlone:
			return errNoReader
		case l.readers == 0, !isNewPart, l.wanted >= l.middle:
			return nil
		}
		if err := l.waitLocked(l.src.ctx, 0); err != nil {
			return err
		}
	}
}

// setAside makes room for the first n bytes of the object.
func (l *fill) setAside(n int64) error {
	if n <= l.reserved {
		return nil
	}
	more := min(blocks(l.size), max(n, l.reserved+setAside)) - l.reserved
	if !l.cache.reserve(more) {
		return errNoRoom
	}
	l.reserved += more
	return nil
}

// finish brings the file to the disk before it gets its name, so that whatever has such a name is whole after a power
// cut too.
func (l *fill) finish(name string) error {
	if err := l.file.Sync(); err != nil {
		return diskError{err}
	}
	whole := cached{l.id, l.size, l.number}
	if err := l.cache.root.Rename(name, whole.name()); err != nil {
		return diskError{err}
	}
	l.cache.add(l)
	return nil
}

// fail removes the file. Readers get an error of the store, and otherwise read from there.
func (l *fill) fail(name string, err error) {
	l.cache.giveUp(l)
	_ = l.cache.root.Remove(name)
	_, isDisk := errors.AsType[diskError](err)
	if isDisk {
		l.cache.diskFailed(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case isDisk:
		l.filled = 0 // after a failed write the kernel may have dropped what was written before
	case errors.Is(err, ErrStore), errors.Is(err, ErrChanged), errors.Is(err, fs.ErrPermission):
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		l.err = err
	}
}
