//go:build !unix

package filecache

// descriptorLimit reports that there is no such limit here.
func descriptorLimit() (int, bool) { return 0, false }
