package vfs

import (
	"math"
	"os"
)

// Free returns how many bytes files in the directory name may yet take, as far as the file system tells. Where this
// system has no way to ask, the error is [errors.ErrUnsupported].
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
