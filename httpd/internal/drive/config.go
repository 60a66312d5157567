package drive

import (
	"net/netip"
	"time"

	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
)

// Config is what Loops need. The functions are called by many goroutines at once, and
// by the loops where that is said.
type Config struct {
	Server *h1conn.Server

	// Sockets are listening descriptors, which do not block: one or more for each loop, or
	// fewer, from all of which all loops accept.
	Sockets []int

	// Released is called when the loops do not use the Sockets any more.
	Released func()

	// Loops is the number of loops.
	Loops int

	// IsProxy reports whether connections from an address begin with Prepare. A loop
	// calls it.
	IsProxy func(netip.AddrPort) bool

	// Prepare reads what comes before the first request, and returns the bytes that it
	// has read behind it. It may wait for the client.
	Prepare func(c *netconn.Conn) (first []byte, err error)

	// Enter adds a connection that was accepted now to the registry. An error means that
	// there is no room. A loop calls it.
	Enter func(c *netconn.Conn, now time.Time) error

	// Refuse answers a connection for which there is no room. It may wait for the client.
	Refuse func(c *netconn.Conn)

	// HandOver gives a connection to net/http, with the bytes that were read and not
	// answered. It has its own goroutine.
	HandOver func(c *netconn.Conn, rest []byte)

	// DropIdle closes files that nobody uses, and reports whether there were any. It is
	// for when the process has no more descriptors. A loop calls it.
	DropIdle func() bool

	// Panicked is called with what a hook or a Limiter has panicked with.
	Panicked func(c *netconn.Conn, value any)

	// MinRate and Window are for netconn.Conn.SetMinRate.
	MinRate int64
	Window  time.Duration
}
