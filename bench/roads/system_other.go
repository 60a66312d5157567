//go:build !linux

package roads

import (
	"errors"
	"net"
)

var system = []road{elsewhere("sendfile"), elsewhere("splice"), elsewhere("mmap")}

var uring = []road{elsewhere("uring-splice"), elsewhere("uring-sendzc")}

// elsewhere keeps the name of a road of Linux, so that who asks for it is told
// why it is not here.
func elsewhere(name string) road {
	refused := func() error { return errors.New("built for Linux only") }
	return road{
		name: name, about: "on Linux only", usable: refused,
		open: func(net.Conn) (lane, error) { return lane{}, refused() },
	}
}
