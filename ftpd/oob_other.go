//go:build !unix

package ftpd

// keepUrgentInline does nothing: see the file for unix for what is lost.
func keepUrgentInline(uintptr) error { return nil }
