//go:build !unix

package peers

// fileLimit is the number of descriptors that a server may open.
func fileLimit() uint64 { return 65536 }
