//go:build !unix

package ftpd

// keepUrgentInline does nothing: see oob_unix.go for the consequence.
func keepUrgentInline(uintptr) error { return nil }
