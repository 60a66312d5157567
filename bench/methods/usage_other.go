//go:build !unix

package methods

// processUsage returns nothing: there is no getrusage(2).
func processUsage() usage { return usage{} }
