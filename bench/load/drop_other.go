//go:build !linux

package load

import "net"

// A dropper is what can receive without copying. Linux alone has it.
type dropper struct{}

func (*dropper) use(net.Conn)            {}
func (*dropper) can() bool               { return false }
func (*dropper) drop(int64) (int, error) { panic("load: nothing to drop from") } // after can, never called
