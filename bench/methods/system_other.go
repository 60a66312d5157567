//go:build !linux

package methods

import (
	"errors"
	"net"
)

var system = []method{linuxOnly("sendfile"), linuxOnly("splice"), linuxOnly("mmap")}

var uring = []method{linuxOnly("uring-splice"), linuxOnly("uring-sendzc")}

// linuxOnly keeps the name of a method of Linux, so that an error can say why it
// is missing here.
func linuxOnly(name string) method {
	refused := func() error { return errors.New("built for Linux only") }
	return method{
		name: name, about: "on Linux only", usable: refused,
		open: func(net.Conn) (sender, error) { return sender{}, refused() },
	}
}
