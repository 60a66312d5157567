// Package live knows who is connected to the servers and what moves, and why
// it is not faster.
//
//	var reg live.Registry
//	s, err := live.Enter(&reg, live.Client{Protocol: live.FTP, Remote: c.RemoteAddr(), Conn: c})
//	...
//	defer s.Leave()
//	t := s.Begin(live.Job{Op: "RETR", Path: "/a.iso", Size: size, Conn: data})
//	res, err := sendfile.Send(ctx, data, f, 0, size, &sendfile.Options{Progress: t.Hook()})
//	record := t.End(res, err) // before data is closed
//	s.Report(&record, nil)    // to reg.OnTransfer
//
// A Session is a connection with a client, a Transfer what moves on it or, as
// with FTP, on a connection beside it. What is small is not a Transfer: it is
// counted by [Session.Count], which takes no lock and allocates nothing.
// [Snapshot] copies all of it, for people and programs.
//
// # Samples
//
// The kernel's view of a connection is asked for where the connection is
// served, between two chunks, at most every 100 ms, because the question takes
// the lock of the socket; and once more at the end. A Transfer that has been
// inside one chunk for a second sleeps, so that the lock is free: then it is
// sampled from beside.
//
// # Uploads
//
// What comes is judged by our own clock: how long it took us to write, how long
// the client was waited for, and how long a limit of ours. [Transfer.Idle] and
// [Transfer.Limited] are how that is told.
//
// # Nobody has to record
//
// The methods of a nil *Session and of a nil *Transfer do nothing, so that a
// server can do without a Registry.
package live
