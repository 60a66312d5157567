// Package dataconn opens, protects and ends the data connections of FTP. A
// [Source] is what the client has agreed on: a port of a [Pool] on which the
// client is awaited (PASV, EPSV), or a port of the client (PORT, EPRT). It gives
// one [Conn]:
//
//	port, err := pool.Listen(local, client, timeout, onSecond)
//	...
//	conn, err := port.Open(ctx)
//	stream, err := conn.Secure(ctx, protection)
//	... send to stream, or receive from it
//	err = conn.End(stall)
//	err = conn.Close()
//
// The session, its commands and its replies are the caller's; so is what moves.
package dataconn
