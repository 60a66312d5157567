//go:build !linux

package load

import "net"

// A dropper receives without copying, on Linux alone.
type dropper struct{}

func (*dropper) use(net.Conn)            {}
func (*dropper) can() bool               { return false }
func (*dropper) drop(int64) (int, error) { panic("load: a dropper cannot drop here") } // not called, because can is false
