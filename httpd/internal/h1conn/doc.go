// Package h1conn answers plain requests of HTTP/1 without I/O. A [Machine] takes the bytes
// that have come on a connection and says what to do next: send bytes, send a part of a
// file, do what may wait, hand over to net/http, or close. A request that is not plain
// (see package h1) is left to net/http, with the connection.
//
//	m := h1conn.NewMachine(server, conn)
//	for {
//		switch a := m.Next(); a.Do {
//		case h1conn.Read:
//			n := ... // read into m.Buffer()
//			m.Received(n, time.Now())
//		case h1conn.Send:
//			m.Sent(...)
//		...
//	}
//
// Package drive has the drivers.
//
// # Design
//
// The Machine knows time as a value, and does no I/O of its own except in Work, which
// opens and reads files and calls hooks. So the same Machine serves an event loop and a
// goroutine, and tests give it slices.
//
// With NoWait it does nothing that may wait in Next: what the cache of files does not know
// is Work. Its responses are the same.
//
// An idle connection has no Machine: that has the buffers, which come from a pool. A loop
// uses one Machine for all connections whose requests come whole and are answered at once.
//
// A response from the cache is a head that was rendered before, the Date, and the body:
// one write if the body is in memory, else the head with MSG_MORE and sendfile(2). It
// allocates nothing. Every other response is made by package plan.
//
// The head waits for its file (MSG_MORE).
//
// With Server.Logins, a request with a field Authorization or with the cookie of a session
// is left to net/http, too: it may be for other files than those of the Handler. The
// connection stays there. Other cookies do not matter.
//
// A request with both Content-Length and Transfer-Encoding is answered here, before
// net/http sees it (golang/go#80942).
package h1conn
