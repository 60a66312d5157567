//go:build !unix || aix

package ftpd

// peek has no implementation here: only bytes that were read already are known.
func peek(uintptr) unread { return unreadNothing }
