//go:build !unix

package sendfile

// A socket is not written and read by these calls here.
var sysWrite, sysRead func(socket uintptr, p []byte) (int, error)
