package peers

import (
	"os"
	"path/filepath"
)

const (
	// KernelAlone is the name of the limit.
	KernelAlone = "kernel-alone"

	// KernelRole is the argument with which this program calls ServeKernel. An
	// address and a folder follow.
	KernelRole = "serve-kernel"

	// SmallestForLimit is the size of the files from which the kernel causes nearly
	// all of the cost.
	SmallestForLimit = 1 << 20

	// kernelRegion is the part of each file that is sent again and again. It stays
	// in the cache of the processor.
	kernelRegion = 256 << 10
)

// kernelFiles returns the sizes of the large files of a folder by name.
func kernelFiles(dir string) (map[string]int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	sizes := map[string]int64{}
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() && info.Size() >= SmallestForLimit {
			sizes[e.Name()] = info.Size()
		}
	}
	return sizes, nil
}
