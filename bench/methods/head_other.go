//go:build !linux

package methods

import "net"

// headWriter returns a function that writes the head of a response before a
// body.
func headWriter(conn net.Conn) func(head []byte) error { return plainHead(conn) }
