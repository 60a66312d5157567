// Package h1conn is the fast path of HTTP/1 without TLS: it reads plain requests from
// a connection and answers them with as few system calls as possible. A request that
// is not plain (see package h1) is left to net/http, with the connection.
//
//	handOver, rest := h1conn.Serve(server, conn, nil)
//	if handOver {
//		// net/http reads rest, and then from conn
//	}
//
// # Design
//
// A connection is a goroutine, not an entry in an event loop. That costs one read and
// one write for each small response, as in nginx: after a response the goroutine lets
// others run, and when its turn comes the next request has usually arrived, so that
// few reads fail. Deadlines are set only before a wait.
//
// Buffers come from a pool when the connection becomes readable, and go back before
// the next wait. An idle connection has a goroutine and a few fields.
//
// A response from the cache is a head that was rendered before, the Date, and the
// body: one write(2) if the body is in memory, else sendmsg(2) with MSG_MORE and
// sendfile(2). It allocates nothing. Every other response is made by package plan.
//
// The head waits for its file (MSG_MORE), unless that makes one packet of 64 KiB
// more: under BBR the last bytes would wait for a timer then, and ranges of 64 KiB
// would cost twice as much.
//
// With Server.Logins, a request with a field Authorization or with the cookie of a session
// is left to net/http, too: it may be for other files than those of the Handler. The
// connection stays there. Other cookies do not matter.
//
// A request with both Content-Length and Transfer-Encoding is answered here, before
// net/http sees it (golang/go#80942).
package h1conn
