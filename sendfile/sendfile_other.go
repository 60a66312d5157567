//go:build !linux && !freebsd && !dragonfly && !darwin && !solaris

package sendfile

// There is no sendfile(2): openbsd, netbsd, aix, windows. On the first three
// package x/sys has a function of that name, which returns ENOSYS.
var sysSendfile func(socket, file uintptr, off *int64, n int) (int, error)
