package methods

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// A store is the files of a run: a folder whose files stay in the page cache,
// and one for the cold cells, whose files are dropped from it.
type store struct {
	dir       string
	hot, cold string              // cold is "" if there are no cold cells
	sums      map[string][32]byte // SHA-256 by name, the same in both folders
}

// newStore makes the files. The caller removes them with remove, even after an
// error if the store is not nil.
func newStore(ctx context.Context, parent string, sizes []int64, cold bool) (*store, error) {
	dir, err := os.MkdirTemp(parent, "sluice-methods-")
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, hot: filepath.Join(dir, "hot"), sums: make(map[string][32]byte)}
	folders := []string{s.hot}
	if cold {
		s.cold = filepath.Join(dir, "cold")
		folders = append(folders, s.cold)
	}
	for _, folder := range folders {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return s, err
		}
		for _, size := range sizes {
			name := sizeName(size)
			if s.sums[name], err = makeFile(ctx, filepath.Join(folder, name), size); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

func (s *store) remove() error { return os.RemoveAll(s.dir) }

// makeFile writes size bytes that do not compress, the same in each call, and
// syncs them: dirty pages cannot be dropped.
func makeFile(ctx context.Context, name string, size int64) (sum [32]byte, err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	random, hash := rand.NewChaCha8([32]byte{}), sha256.New()
	to := io.MultiWriter(f, hash)
	for size > 0 {
		if err := context.Cause(ctx); err != nil {
			return sum, err
		}
		n, err := io.CopyN(to, random, min(size, 1<<20))
		if err != nil {
			return sum, err
		}
		size -= n
	}
	if err := f.Sync(); err != nil {
		return sum, err
	}
	return [32]byte(hash.Sum(nil)), f.Close()
}

// chooseDir returns the folder to make the files in, and why their pages cannot
// be dropped there, if so. Unless one is wanted, it prefers a folder where they
// can be, also for hot cells: both kinds should be on the same file system.
func chooseDir(wanted string) (dir string, notCold error) {
	if wanted != "" {
		return wanted, canDrop(wanted)
	}
	candidates := []string{os.TempDir()}
	for _, more := range []func() (string, error){os.Getwd, os.UserCacheDir} {
		if dir, err := more(); err == nil {
			candidates = append(candidates, dir)
		}
	}
	for _, dir := range candidates {
		if err := canDrop(dir); err == nil {
			return dir, nil
		} else if notCold == nil {
			notCold = fmt.Errorf("%s: %w", dir, err)
		}
	}
	return candidates[0], notCold
}

// sizeName returns a size in the largest unit of which it is a multiple.
func sizeName(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB"}
	i := 0
	for ; n%1024 == 0 && n > 0 && i < len(units)-1; i++ {
		n /= 1024
	}
	return fmt.Sprintf("%d%s", n, units[i])
}
