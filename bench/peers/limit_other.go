//go:build !unix

package peers

// fileLimit returns how many descriptors a server may open.
func fileLimit() uint64 { return 65536 }
