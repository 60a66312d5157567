//go:build !unix

package load

// fileLimit returns false: there is no such limit here.
func fileLimit() (limit uint64, known bool) { return 0, false }
