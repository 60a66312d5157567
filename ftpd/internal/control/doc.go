// Package control is what goes over a control connection, without the
// connection: an [Input] makes command lines of the bytes that a client sends, a
// [Queue] keeps those whose turn has not come, and a [Reply] makes bytes of what
// the server answers.
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
// It is pure: it knows no socket, no clock, no session, and no command. The
// rules are those of RFC 959, 4 and 5.3, and of RFC 854 for what Telnet puts
// among the bytes. Its values are for one goroutine at a time.
package control
