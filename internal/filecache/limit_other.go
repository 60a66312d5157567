//go:build !unix

package filecache

// descriptorLimit has nothing to tell: there is no such limit.
func descriptorLimit() (int, bool) { return 0, false }
