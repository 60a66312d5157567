// Package control parses the commands and formats the replies of an FTP control
// connection. An [Input] makes command lines of the bytes that a client sends, a [Queue]
// keeps lines until they can run, and a [Reply] is formatted as bytes.
//
//	n, err := conn.Read(in.Room())
//	in.Add(n)
//	for {
//		line, ok, err := in.Next()
//		...
//		name, arg := control.Split(line)
//		b = control.NewReply(200, "OK").Append(b)
//	}
//
// The package does no I/O and knows no clock, no session and no command. It follows RFC
// 959, 4 and 5.3, and RFC 854 for Telnet commands among the bytes. Its values are for one
// goroutine at a time.
package control
