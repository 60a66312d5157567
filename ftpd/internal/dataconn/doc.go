// Package dataconn opens, protects and ends the data connections of FTP. A [Source] opens
// one [Conn]: on a port of a [Pool], to which the client connects (PASV, EPSV), or to a
// port of the client (PORT, EPRT).
//
//	port, err := pool.Listen(local, client, timeout, onSecond)
//	...
//	conn, err := port.Open(ctx)
//	stream, err := conn.Secure(ctx, protection)
//	... send to stream, or receive from it
//	err = conn.End(stall)
//	err = conn.Close()
//
// The package knows nothing of sessions, commands, replies or files.
package dataconn
