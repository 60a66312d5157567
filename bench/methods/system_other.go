//go:build !linux

package methods

import (
	"errors"
	"net"
)

var system = []method{elsewhere("sendfile"), elsewhere("splice"), elsewhere("mmap")}

var uring = []method{elsewhere("uring-splice"), elsewhere("uring-sendzc")}

// elsewhere keeps the name of a method of Linux, so that who asks for it is told
// why it is not here.
func elsewhere(name string) method {
	refused := func() error { return errors.New("built for Linux only") }
	return method{
		name: name, about: "on Linux only", usable: refused,
		open: func(net.Conn) (sender, error) { return sender{}, refused() },
	}
}
