//go:build freebsd || dragonfly

package sendfile

import "golang.org/x/sys/unix"

var sysSendfile = sendfileCall(unix.Sendfile).bsd
