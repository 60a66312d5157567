package vfs

import (
	"math"
	"os"
)

// Free returns the free space for files in the directory name, in bytes, as reported by the file system. The error is
// [errors.ErrUnsupported] on systems without such a report.
func (t *Root) Free(name string) (int64, error) {
	free, _, err := t.space(name)
	return free, err
}

// Capacity returns the size of the file system of the directory name, in bytes. The error is that of Free.
func (t *Root) Capacity(name string) (int64, error) {
	_, all, err := t.space(name)
	return all, err
}

func (t *Root) space(name string) (free, all int64, err error) {
	f, err := t.File(name, os.O_RDONLY, 0)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	m := MountOfFile(t, f)
	if err := m.Enter(); err != nil {
		return 0, 0, t.pathError("free", name, err)
	}
	defer m.Leave()
	b, err := blocksOf(f)
	if err != nil {
		return 0, 0, t.pathError("free", name, err)
	}
	return b.bytes(b.free), b.bytes(b.all), nil
}

// blocks describes the space of a file system.
type blocks struct {
	free, all uint64 // numbers of blocks; free are those for users other than root
	size      uint64 // of a block in bytes
}

// bytes returns the size of n blocks.
func (b blocks) bytes(n uint64) int64 {
	if n > math.MaxInt64/max(b.size, 1) {
		return math.MaxInt64
	}
	return int64(n * b.size)
}
