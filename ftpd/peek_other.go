//go:build !unix || aix

package ftpd

// peek cannot look: then what the goroutine that reads has seen must do.
func peek(uintptr) unread { return unreadNothing }
