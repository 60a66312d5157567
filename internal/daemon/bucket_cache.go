package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"

	"sluice/internal/admin"
	"sluice/internal/sandbox"
	"sluice/s3fs"
)

// bucketCache is the directory of --cache, and the cache in it.
type bucketCache struct {
	dir  string // "": none
	size int64
	log  *slog.Logger

	failed error                      // of confine
	cache  atomic.Pointer[s3fs.Cache] // nil: not open yet
}

// confine makes the directory if it is missing, gives it to the user that the process becomes, if it is empty, and adds it to
// the plan.
func (c *bucketCache) confine(p *sandbox.Plan) {
	if c.dir == "" || slices.Contains(p.State, c.dir) { // the latter: another bucket has done it
		return
	}
	err := os.Mkdir(c.dir, 0o700)
	isNew := err == nil
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if u := p.User; err == nil && u != nil && !u.IsRoot() && (isNew || isEmpty(c.dir)) {
		err = os.Chown(c.dir, u.UID, u.GID)
	}
	c.failed = err
	p.State = append(p.State, c.dir)
}

// open opens the cache, if it is not, for files, as the user u that the process has become; nil: it is the same as before.
func (c *bucketCache) open(u *sandbox.User, files *s3fs.FS) error {
	if c.dir == "" {
		return nil
	}
	if cache := c.cache.Load(); cache != nil {
		files.UseCache(cache)
		return nil
	}
	err := c.failed
	var cache *s3fs.Cache
	if err == nil {
		cache, err = s3fs.OpenCache(c.dir, c.size)
	}
	switch {
	case err == nil:
	case u != nil && errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("--cache: %w; %s", err, remedies(u, c.dir))
	case errors.Is(err, s3fs.ErrCacheInUse):
		return fmt.Errorf("--cache: %w; name another directory", err)
	default:
		return fmt.Errorf("--cache: %w", err)
	}
	cache.OnError = func(err error) { c.log.Error("the disk of --cache fails", "err", err) }
	files.UseCache(cache)
	c.cache.Store(cache)
	return nil
}

// stats describes the cache, for the metrics.
func (c *bucketCache) stats() admin.CacheStats {
	if cache := c.cache.Load(); cache != nil {
		return admin.CacheStats(cache.Stats())
	}
	return admin.CacheStats{}
}

func (c *bucketCache) close() {
	if cache := c.cache.Load(); cache != nil {
		_ = cache.Close() // an error does not matter: what has a name is whole
	}
}
