package sendfile

import "golang.org/x/sys/unix"

var sysSendfile = sendfileCall(unix.Sendfile).darwin
