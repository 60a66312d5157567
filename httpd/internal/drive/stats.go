package drive

import "net"

// LoopStats describes an event loop. Package httpd has the same type, and describes its fields.
type LoopStats struct {
	Listener             net.Addr // set by package httpd
	Loop                 int
	Connections, Sending int

	Accepted, Silent, Turns, Worked, Replaced uint64
}
