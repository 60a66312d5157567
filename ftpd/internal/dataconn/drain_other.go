//go:build !linux

package dataconn

import "net"

// drain does nothing: connections that wait in the queue are reset with the listener.
func drain(uintptr, func(net.Conn)) {}
