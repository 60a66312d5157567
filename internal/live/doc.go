// Package live records who is connected to the servers, what is transferred, and
// what limits each transfer.
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
// A Session is a connection of a client. A Transfer moves a file or a listing on it
// or, in FTP, on a data connection. A small HTTP response is not a Transfer:
// [Session.Count] counts it without a lock and without allocating. [Snapshot] copies
// all of it in the form of package status.
//
// The methods of a nil *Session and of a nil *Transfer do nothing, so a server may
// do without a Registry.
//
// # Samples
//
// TCP_INFO of a connection is read by the goroutine that serves it, between two
// chunks, at most every 100 ms, because reading it takes the lock of the socket; and
// once more at the end. A Transfer that spends more than a second in one chunk
// sleeps in the kernel, which leaves the lock free: then a timer reads the sample.
//
// # The cause of an upload
//
// The receiving kernel keeps no account of what limits a connection. An upload is
// judged by this side's clock: the time spent writing, waiting for the client
// ([Transfer.Idle]), and waiting for a rate limit ([Transfer.Limited]).
//
// # Counters
//
// The same counters are in /status.json and in the metrics, and none ever goes
// back: a Session adds to the totals of its protocol only when it is removed, under
// the lock that Snapshot takes.
package live
