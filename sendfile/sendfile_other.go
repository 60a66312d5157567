//go:build !linux && !freebsd && !dragonfly && !darwin && !solaris

package sendfile

// These systems have no sendfile(2): openbsd, netbsd, aix, windows. Package x/sys
// has a Sendfile for the first three, which returns ENOSYS.
var sysSendfile func(socket, file uintptr, off *int64, n int) (int, error)
