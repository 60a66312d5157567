// Package live records who is connected to the servers, what is transferred, and
// what limits each transfer.
//
//	var reg live.Registry
//	s, err := live.Enter(&reg, live.Client{Protocol: live.FTP, Remote: live.AddrPortOf(c.RemoteAddr()), Conn: c})
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
// The methods of a nil *Session, of one that has not entered, and of a nil *Transfer do
// nothing, so a server may do without a Registry.
//
// # Design
//
// Small responses are counted, large ones are watched. A response of up to 64 KiB costs
// three atomic operations and no lock; a larger one takes a Transfer from a pool and at
// most two samples, below 1 % of the cost of sending 1 MiB.
//
// Each Session has its own lock. No lock is shared by all sessions while requests are
// served: that of the Registry is taken only in Enter, SetUser, Leave, Kill and
// Snapshot. A chunk costs atomic operations on its own Transfer, with 10,000 other
// sessions as with none (BenchmarkProgress). The first Transfer of a session in a second
// or two takes the lock of the list that the timer reads.
//
// An idle session takes 160 bytes, and about 10 in the list of the Registry. A server
// with many connections embeds the Session in its own struct, so that a connection takes
// one allocation. Fields that only FTP, uploads and logins need are allocated when they
// are first used.
// Clients are counted by address only for a limit of one address. Snapshot reads the
// local addresses. The list is an array of pointers, because Snapshot copies it while it
// holds the lock; a linked list or a map would take many times as long.
//
// One Registry counts, limits, lists and kills the sessions of HTTP and FTP. FTP has two
// more limits in it: a browser opens six connections where an FTP client needs one or
// two, so one limit per address does not fit both. [ClientAddr] alone decides which
// connections are of one client; ftpd's bans use it too.
//
// A Registry does not drain. To end a connection is the work of its server: only the
// server knows how to close an idle HTTP connection or to send 421 to an FTP session, and
// when files are closed and hooks have returned.
//
// # Samples
//
// TCP_INFO of a connection is read by the goroutine that serves it, between two
// chunks, at most every 100 ms, because reading it takes the lock of the socket; and
// once more at the end. A Transfer that spends more than a second in one chunk
// sleeps in the kernel, which leaves the lock free: then a timer reads the sample. The
// timer runs only while there are transfers, and looks only at the sessions that have
// some. A transfer of less than a millisecond uses
// a recent sample of its connection: its own bytes are not acknowledged yet.
//
// The kernel's count of acknowledged bytes, less those sent before on the connection
// ([Job.Before]), is the progress that the client sees. Its rate is that of a slow
// client, not the rate at which the send buffer was filled. It is absent with HTTP/2,
// where responses share a connection, and up to half a percent too large with TLS.
//
// The kernel's cause "application" becomes "rate limit" if waiting for a limit took half
// of the time or more. A slow client stays "receiver" whatever its limit.
//
// # The cause of an upload
//
// The receiving kernel keeps no account of what limits a connection. An upload is
// judged by this side's clock: the time spent writing, waiting for the client
// ([Transfer.Idle]), and waiting for a rate limit ([Transfer.Limited]). The longest is the
// cause. That needs no system call and works on all systems. With TLS, and on Windows,
// every read counts as waiting, because it is unknown whether data has arrived. The sync
// at the end of an upload does not count.
//
// # Counters
//
// The same counters are in /status.json and in the metrics, and none ever goes
// back: a Session adds to the totals of its protocol only when it is removed, under
// the lock that Snapshot takes.
package live
