// Package netconn is an accepted connection of an HTTP server: who the client is,
// the slowest rate at which it may read, limits of bandwidth, TLS, and what net/http
// needs to serve it.
//
//	c := netconn.New(accepted)
//	err := c.Enter(registry, live.HTTP, false, time.Time{})
//	...
//	res, err := c.SendFile(f, 0, size, sendfile.Options{}, transfer)
//
// It knows nothing of requests and responses.
//
// # Design
//
// A [Conn] has one syscall.RawConn for its whole life, because package net makes a
// new one each time it is asked. [HTTPConn] and [TLSConn] are the same connection as
// net/http sees it. net/http hands a [FilePart], the part of a file that is a
// response's body, to their ReadFrom, which sends it past all buffers.
//
// The minimum rate is measured in sections: with a rate of 1 KB/s and a window of a
// minute, each 60 KB (but at least 256 KiB) must be taken within the time that they
// take at that rate. Only the time of sending counts. A trickle of bytes is progress
// for a timeout that bounds a stall; for this it is not.
//
// A limit of bandwidth is not the client's fault: while a response waits for one, the
// stall timeout and the minimum rate stand still. A response without limits pays one
// comparison.
//
// net/http answers malformed requests before it calls any handler. An [ErrorSniffer]
// finds these responses where net/http writes them: the connection knows whether the
// handler was called since the last request, and the first line of a response has the
// status. With TLS that works only above TLS, where net/http accepts any connection
// for HTTP/1 but wants a *tls.Conn for HTTP/2. So the server makes the handshake, and
// then knows which of the two it is.
//
// A transfer has no context. net/http cancels that of the request when a client shuts
// down its sending side, which some clients do right after the request; they still
// want the file. If a client is gone, sendfile(2) fails soon enough, and a shutdown
// that is out of patience closes the connection.
package netconn
