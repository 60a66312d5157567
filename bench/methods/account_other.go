//go:build !unix

package methods

// used knows nothing: there is no getrusage(2).
func used() account { return account{} }
