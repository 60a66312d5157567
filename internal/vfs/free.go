package vfs

import (
	"math"
	"os"
)

// Free returns the free space for files in the directory name, in bytes, as reported by the file system. The error is
// [errors.ErrUnsupported] on systems without such a report.
func (t *Root) Free(name string) (int64, error) {
	f, err := t.File(name, os.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	blocks, size, err := freeBlocks(f)
	if err != nil {
		return 0, t.pathError("free", name, err)
	}
	if blocks > math.MaxInt64/max(size, 1) {
		return math.MaxInt64, nil
	}
	return int64(blocks * size), nil
}
